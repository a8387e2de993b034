import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from './files.js';
import { type LockOwner, parseOwner, type Standing, standingOf, thisOwner } from './lock-owner.js';

/** Name of the lock file in a folder. */
export const LOCK_NAME = 'run.lock';

/** A larger file is not a lock of ours. */
const MAX_BYTES = 1 << 16;

/** True for the names of a lock's files in a folder. */
export const isLockFile = (name: string): boolean => name === LOCK_NAME || name.startsWith(`${LOCK_NAME}.`);

/** The system's code of an error; empty where it has none. */
export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

/** The file at a lock's place: undefined when there is none, without an owner when it is not a lock of ours. */
export async function readLock(
  path: string,
): Promise<{ owner?: LockOwner | undefined; at: number; bytes: number } | undefined> {
  try {
    const stat = await lstat(path);
    const { mtimeMs: at, size: bytes } = stat;
    if (!stat.isFile() || bytes > MAX_BYTES) return { at, bytes: bytes || 1 };
    return { owner: parseOwner(await readFile(path, 'utf8')), at, bytes };
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Who holds a folder, or held it until its death. */
export interface FolderHolder extends Pick<LockOwner, 'pid' | 'host' | 'since'> {
  readonly standing: Standing;
  /** When it last gave a sign of life, in ms since 1970 by the clock of the file system. */
  readonly seenMs: number;
}

/**
 * Who holds a folder, read without taking it; undefined where nobody does. An owner on another host counts as alive
 * until its last sign of life is 2 minutes old by this host's clock, so the clocks must agree to seconds.
 */
export async function folderHolder(folder: string): Promise<FolderHolder | undefined> {
  const path = join(folder, LOCK_NAME);
  try {
    const lock = await readLock(path);
    if (!lock?.owner) return undefined;
    const { pid, host, since } = lock.owner;
    const standing = await standingOf(lock.owner, await thisOwner(''), Date.now() - lock.at);
    return { pid, host, since, standing, seenMs: lock.at };
  } catch (error) {
    throw fileError('read', path, error);
  }
}

/** As {@link folderHolder}, of those that live. */
export async function liveHolder(folder: string): Promise<FolderHolder | undefined> {
  const holder = await folderHolder(folder);
  return holder && holder.standing !== 'gone' ? holder : undefined;
}
