import { vi } from 'vitest';
import { run } from '../../src/cli/run.js';

/** Runs `phasetune ARGS` in this process, its streams caught. */
export async function phasetune(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const caught = { out: '', err: '' };
  const keep = (side: 'out' | 'err') => (text: unknown) => {
    caught[side] += text;
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(keep('out'));
  vi.spyOn(process.stderr, 'write').mockImplementation(keep('err'));
  try {
    const code = await run(args);
    return { code, ...caught };
  } finally {
    vi.restoreAllMocks();
  }
}
