import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a session is made from. */
export interface SessionFiles {
  readonly savedModel: Uint8Array;
  /** The session's options, a ConfigProto. */
  readonly config: Uint8Array;
}

/** Lets `use` have the files as the folder that TensorFlow reads them from; it is gone afterwards, whatever happens. */
export function withSavedModelFolder<T>({ savedModel, config }: SessionFiles, use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'phasetune-graph-'));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), savedModel);
    writeFileSync(join(folder, 'session.pb'), config);
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
