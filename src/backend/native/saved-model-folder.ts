import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Lets `use` have a SavedModel as the folder that TensorFlow reads it from; the folder is gone afterwards, whatever happens. */
export function withSavedModelFolder<T>(bytes: Uint8Array, use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'phasetune-graph-'));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), bytes);
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
