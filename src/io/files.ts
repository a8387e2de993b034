import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { copyFile as copy, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { dataError, PhasetuneError } from '../core/errors.js';

const REASONS: Record<string, string> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EMFILE: 'too many open files',
  ENOTEMPTY: 'the folder is not empty',
  EEXIST: 'it exists already',
};

/** One clear line for an error of the file system: missing or unreadable input is a data error, failing output a failure. */
export function fileError(action: 'read' | 'write', path: string, cause: unknown): PhasetuneError {
  if (cause instanceof PhasetuneError) return cause;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  const reason = REASONS[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new PhasetuneError(
    action === 'read' ? 'data' : 'failed',
    `cannot ${action} ${path}: ${reason}`,
    { file: path },
    { cause },
  );
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

/** Names in a folder, sorted. */
export async function listFolder(path: string): Promise<string[]> {
  const names = await readdir(path).catch((cause: unknown) => Promise.reject(fileError('read', path, cause)));
  return names.sort();
}

/** Makes a folder and its parents; harmless when it is there. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((cause: unknown) => Promise.reject(fileError('write', path, cause)));
}

/** Removes a file or a folder with all in it; harmless when it is not there. */
export async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch((cause: unknown) =>
    Promise.reject(fileError('write', path, cause)),
  );
}

/** Copies one file. */
export async function copyFile(from: string, to: string): Promise<void> {
  await copy(from, to).catch((cause: unknown) => Promise.reject(fileError('write', to, cause)));
}

/** A file's bytes, unpacked when it is gzip (told by its first two bytes, not by its name). */
async function readBytes(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause: unknown) => Promise.reject(fileError('read', path, cause)));
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  return promisify(gunzip)(bytes).catch((cause: Error) => {
    throw dataError(`${path}: broken gzip file (${cause.message}); fetch or pack it again`, { file: path }, cause);
  });
}

/** A file as text: strict UTF-8, byte order mark dropped, unpacked when it is gzip. */
export async function readText(path: string): Promise<string> {
  const bytes = await readBytes(path);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw dataError(`${path}: expected UTF-8 text, found bytes that are not; save it as UTF-8`, { file: path }, cause);
  }
}

/** Hash of a file in lower-case hexadecimal, read as a stream; `prefix` is hashed before it, as git does for a blob. */
export async function hashFile(path: string, algorithm: 'sha256' | 'sha1' = 'sha256', prefix = ''): Promise<string> {
  const hash = createHash(algorithm).update(prefix);
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  } catch (cause) {
    throw fileError('read', path, cause);
  }
  return hash.digest('hex');
}
