import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';

/** Has the binding write down what the sessions run meanwhile: RunMetadata messages, as field 1 of one message. */
export async function withTraceFile<T>(work: () => Promise<T>): Promise<{ value: T; trace: Uint8Array }> {
  const folder = mkdtempSync(join(tmpdir(), 'phasetune-trace-'));
  const file = join(folder, 'runs.pb');
  env.PHASETUNE_TRACE = file;
  try {
    const value = await work();
    return { value, trace: existsSync(file) ? readFileSync(file) : new Uint8Array() };
  } finally {
    delete env.PHASETUNE_TRACE;
    rmSync(folder, { recursive: true, force: true });
  }
}
