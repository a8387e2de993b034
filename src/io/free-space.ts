import { statfs } from 'node:fs/promises';

/** Bytes that can be written on the disk of a path that is there; undefined where nobody knows. */
export async function freeSpace(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
