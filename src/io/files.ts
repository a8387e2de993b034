import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { copyFile as copy, mkdir, open, readdir, readFile, realpath, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { dataError, PhasetuneError } from '../core/errors.js';
import { FREE_MEMORY, isOutOfMemory, outOfMemoryError } from '../core/out-of-memory.js';

const REASONS: Record<string, string> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than a file may be (see ulimit -f)',
  EIO: 'the device reports an error',
  ESTALE: 'the network file system has lost it',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EMFILE: 'too many open files',
  ENOTEMPTY: 'the folder is not empty',
  EEXIST: 'it exists already',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
};

/** What helps when a disk does not take a file. */
const ADVICE: Record<string, string> = {
  ENOENT: 'its folder was removed or unmounted',
  EROFS: 'make it writable',
  ENOSPC: 'free some space',
  EDQUOT: 'free some space',
  EFBIG: 'raise that limit',
  EIO: 'check the disk',
};

/**
 * One clear line for an error of the file system: missing or unreadable input is a data error,
 * failing output a failure with, in its fields, the system's code as `errno`. Missing memory is an
 * error that says so.
 */
export function fileError(action: 'read' | 'write', path: string, cause: unknown): PhasetuneError {
  if (cause instanceof PhasetuneError) return cause;
  const errno = (cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (isOutOfMemory(cause)) {
    const what = `${action === 'read' ? 'reading' : 'writing'} ${path}`;
    const details = () => ({ at: '', fields: { file: path, ...(errno !== '' && { errno }) } });
    return outOfMemoryError({ what, remedies: [FREE_MEMORY], details }, cause);
  }
  const reason = REASONS[errno] ?? (cause instanceof Error ? cause.message : String(cause));
  if (action === 'read') return dataError(`cannot read ${path}: ${reason}`, { file: path }, cause);
  const advice = ADVICE[errno] ? `; ${ADVICE[errno]}` : '';
  return new PhasetuneError('failed', `cannot write ${path}: ${reason}${advice}`, { file: path, errno }, { cause });
}

/** True when a file or folder is there. */
export const exists = (path: string): boolean => existsSync(path);

/** What a path is, and its size in bytes when it is a file. */
export async function statPath(
  path: string,
): Promise<{ kind: 'file' | 'folder' | 'other' | 'missing'; bytes: number }> {
  try {
    const s = await stat(path);
    return { kind: s.isFile() ? 'file' : s.isDirectory() ? 'folder' : 'other', bytes: s.size };
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing', bytes: 0 };
    throw fileError('read', path, cause);
  }
}

/** Where a path leads once links are followed; what is not there leads to itself. */
export const realPath = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));

/** Numbers of the user and the group that a file or folder belongs to. */
export async function ownerOf(path: string): Promise<{ user: number; group: number }> {
  const { uid, gid } = await stat(path).catch((cause: unknown) => Promise.reject(fileError('read', path, cause)));
  return { user: uid, group: gid };
}

/**
 * Identity of a file's contents without reading them: it changes when the file is replaced or
 * written; empty where there is none.
 */
export async function fileStamp(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch {
    return '';
  }
}

/** Names in a folder, sorted. */
export async function listFolder(path: string): Promise<string[]> {
  const names = await readdir(path).catch((cause: unknown) => Promise.reject(fileError('read', path, cause)));
  return names.sort();
}

/** Folders that this process holds a lock in. */
const held = new Set<string>();

/**
 * While a folder is held, {@link makeFolder} does not make it again: once somebody removed it, what is
 * still to be written there has no place. Returns what ends that.
 */
export async function holdFolder(path: string): Promise<() => void> {
  const names = [resolve(path), await realpath(path)];
  for (const name of names) held.add(name);
  return () => {
    for (const name of names) held.delete(name);
  };
}

/**
 * Makes a folder and its parents, each noted on the disk in its own parent; harmless when it is
 * there. Level by level: Node's own way never ends in a place that has no room for folders, such as
 * /proc. `named` is what an error calls it.
 */
export async function makeFolder(path: string, named: string = path): Promise<void> {
  try {
    const missing: string[] = [];
    let current = resolve(path);
    while (!(await isFolder(current))) {
      if (held.has(current)) throw Object.assign(new Error(`${current} is gone`), { code: 'ENOENT' });
      missing.push(current);
      current = dirname(current);
    }
    for (const folder of missing.reverse()) {
      await mkdir(folder).catch(async (error: NodeJS.ErrnoException) => {
        // Where there are only files, as in /proc, the system says that it does not exist.
        if (error.code === 'ENOENT') throw new Error(`no folder can be made in ${dirname(folder)}`);
        // Another process may have made it just now.
        if (error.code !== 'EEXIST' || !(await isFolder(folder))) throw error;
      });
      await syncFolder(dirname(folder));
    }
  } catch (error) {
    throw fileError('write', named, error);
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
    throw Object.assign(new Error(`${path} is a file`), { code: 'ENOTDIR' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Codes of file systems that cannot sync a folder, or not for this user: then there is nothing to do. */
const NO_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM', 'EACCES', 'EISDIR', 'EROFS']);

/** Makes what was made or renamed in a folder last through a power cut. Throws the system's error. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r');
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    if (!NO_SYNC.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Removes a file or a folder with all in it; harmless when it is not there. */
export async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch((cause: unknown) =>
    Promise.reject(fileError('write', path, cause)),
  );
}

/** Removes a folder that nothing is in; harmless where something is, and when it is not there. */
export async function removeIfEmpty(path: string): Promise<void> {
  await rmdir(path).catch(() => {});
}

/** Copies one file. */
export async function copyFile(from: string, to: string): Promise<void> {
  await copy(from, to).catch((cause: unknown) => Promise.reject(fileError('write', to, cause)));
}

/** Longest text file that is read whole by default, in bytes: 64 MiB, twice the largest tokenizer.json there is. */
const MAX_TEXT_BYTES = 64 << 20;

/**
 * Throws a data error unless the path leads to a file; a named pipe would keep its reader waiting.
 * Returns its size in bytes.
 */
export async function checkIsFile(path: string): Promise<number> {
  const { kind, bytes } = await statPath(path);
  if (kind === 'file') return bytes;
  const what = kind === 'folder' ? 'it is a folder' : kind === 'other' ? 'it is a pipe or a device' : REASONS.ENOENT;
  throw dataError(`cannot read ${path}: ${what}${kind === 'missing' ? '' : '; expected a file'}`, { file: path });
}

/** The first bytes of a file, at most `bytes`. */
export async function readHead(path: string, bytes: number): Promise<Uint8Array> {
  await checkIsFile(path);
  try {
    const handle = await open(path, 'r');
    const head = Buffer.alloc(bytes);
    const { bytesRead } = await handle.read(head, 0, bytes, 0).finally(() => handle.close());
    return head.subarray(0, bytesRead);
  } catch (cause) {
    throw fileError('read', path, cause);
  }
}

/** A file's bytes, unpacked when it is gzip (by its first two bytes, not by its name), never more than `limit`. */
async function readBytes(path: string, limit: number): Promise<Uint8Array> {
  const tooLong = (what: string) =>
    dataError(`${path}: ${what}; at most ${limit} are read of such a file, so this is not one`, { file: path, limit });
  const size = await checkIsFile(path);
  if (size > limit) throw tooLong(`${size} bytes`);
  const bytes = await readFile(path).catch((cause: unknown) => Promise.reject(fileError('read', path, cause)));
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  return promisify(gunzip)(bytes, { maxOutputLength: limit }).catch((cause: Error & { code?: string }) => {
    if (cause.code === 'ERR_BUFFER_TOO_LARGE')
      throw tooLong(`${size} bytes of gzip unpack to more than ${limit} bytes`);
    throw dataError(`${path}: broken gzip file (${cause.message}); fetch or pack it again`, { file: path }, cause);
  });
}

/**
 * A file of at most `maxBytes` (plain and unpacked) as text: strict UTF-8, byte order mark dropped,
 * unpacked when it is gzip.
 */
export async function readText(path: string, { maxBytes = MAX_TEXT_BYTES, keepMark = false } = {}): Promise<string> {
  const bytes = await readBytes(path, maxBytes);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: keepMark }).decode(bytes);
  } catch (cause) {
    throw dataError(`${path}: expected UTF-8 text, found bytes that are not; save it as UTF-8`, { file: path }, cause);
  }
}

/** Hash of a file in lower-case hexadecimal, read as a stream; `prefix` is hashed before it, as git does for a blob. */
export async function hashFile(path: string, algorithm: 'sha256' | 'sha1' = 'sha256', prefix = ''): Promise<string> {
  const hash = createHash(algorithm).update(prefix);
  await checkIsFile(path);
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  } catch (cause) {
    throw fileError('read', path, cause);
  }
  return hash.digest('hex');
}
