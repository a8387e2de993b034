import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileError, remove } from './files.js';

/** Lets `work` use a new folder in the system's place for temporary files, and removes it whatever comes of that. */
export async function withTemporaryFolder<T>(name: string, work: (folder: string) => Promise<T>): Promise<T> {
  const place = join(tmpdir(), `phasetune-${name}-`);
  const folder = await mkdtemp(place).catch((cause: unknown) => Promise.reject(fileError('write', place, cause)));
  try {
    return await work(folder);
  } finally {
    await remove(folder);
  }
}
