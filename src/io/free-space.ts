import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { exists } from './files.js';

/** Bytes that are free for a folder, which need not exist yet; undefined where the system does not report it. */
export async function freeSpace(folder: string): Promise<number | undefined> {
  let existing = resolve(folder);
  while (!exists(existing) && dirname(existing) !== existing) existing = dirname(existing);
  return statfs(existing).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => undefined,
  );
}
