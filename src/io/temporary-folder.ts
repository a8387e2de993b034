import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileError, remove } from './files.js';

/**
 * Makes a folder in the system's place for temporary files, which only this user may look into;
 * `remove` removes it.
 */
export async function makeTemporaryFolder(name: string): Promise<{ folder: string; remove(): Promise<void> }> {
  const place = join(tmpdir(), `phasetune-${name}-`);
  const folder = await mkdtemp(place).catch((cause: unknown) => Promise.reject(fileError('write', place, cause)));
  return { folder, remove: () => remove(folder) };
}

/** Lets `work` use a new folder in the system's place for temporary files, and removes it whatever comes of that. */
export async function withTemporaryFolder<T>(name: string, work: (folder: string) => Promise<T>): Promise<T> {
  const { folder, remove } = await makeTemporaryFolder(name);
  try {
    return await work(folder);
  } finally {
    await remove();
  }
}
