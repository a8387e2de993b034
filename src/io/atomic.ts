import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { usageError } from '../core/errors.js';
import { fileError } from './files.js';

/** A file being written beside its final place; nobody sees it before `commit`. */
export interface AtomicFile {
  /** Appends. The chunk may be reused once the promise has resolved. */
  write(chunk: string | Uint8Array): Promise<void>;
  /** Flushes to the disk and moves the file to its place. */
  commit(): Promise<void>;
  /** Throws away what was written; harmless after `commit`. */
  abort(): Promise<void>;
}

/**
 * Opens a file for streamed writing that appears whole or not at all: a temporary file beside it, fsync, rename, fsync of
 * the folder. Missing folders are made. A device or pipe (`/dev/stdout`) is written to directly.
 */
export async function createAtomicFile(path: string): Promise<AtomicFile> {
  const target = await realpath(path).catch(() => resolve(path));
  const existing = await stat(target).catch(() => undefined);
  if (existing?.isDirectory())
    throw usageError(`${path} is a folder; expected the name of a file to write`, { file: path });
  const direct = existing !== undefined && !existing.isFile();
  const temporary = direct ? target : beside(target);
  const guard = <T>(work: () => Promise<T>) =>
    work().catch((cause: unknown) => Promise.reject(fileError('write', path, cause)));
  const handle = await guard(async () => {
    if (!direct) await mkdir(dirname(target), { recursive: true });
    return open(temporary, direct ? 'w' : 'wx', existing ? existing.mode & 0o777 : 0o666);
  });
  let open_ = true;
  const close = async () => {
    if (open_) {
      open_ = false;
      await handle.close();
    }
  };
  const abort = async () => {
    if (!open_) return;
    await close();
    if (!direct) await rm(temporary, { force: true });
  };
  return {
    write: (chunk) => guard(() => handle.writeFile(chunk)),
    async commit() {
      if (!open_) return;
      try {
        if (!direct) await guard(() => handle.sync());
        await close();
        if (!direct) await guard(() => rename(temporary, target));
      } catch (error) {
        await close();
        if (!direct) await rm(temporary, { force: true });
        throw error;
      }
      if (!direct) await syncFolder(dirname(target));
    },
    abort,
  };
}

/** Writes a whole file atomically, see {@link createAtomicFile}: after a crash either the old content is there or the new. */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  await withAtomicFile(path, (file) => file.write(data));
}

/** Lets `fill` write a file and commits it, or throws it away when `fill` fails. */
export async function withAtomicFile<T>(path: string, fill: (file: AtomicFile) => Promise<T>): Promise<T> {
  const file = await createAtomicFile(path);
  try {
    const result = await fill(file);
    await file.commit();
    return result;
  } catch (error) {
    await file.abort();
    throw error;
  }
}

/** Writes a value as indented JSON with a final newline, atomically. */
export const writeJson = (path: string, value: unknown): Promise<void> =>
  writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);

/**
 * Lets `fill` write files into a temporary folder beside `path`, then moves it there in one go. An existing empty folder
 * is taken; one with files in it is refused with a usage error, or replaced when `replace` is set.
 */
export async function writeFolderAtomic<T>(
  path: string,
  fill: (temporary: string) => Promise<T>,
  options: { replace?: boolean } = {},
): Promise<T> {
  const target = resolve(path);
  const occupied = await readdir(target).then(
    (names) => names.length > 0,
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return false;
      throw fileError('write', path, cause);
    },
  );
  if (occupied && !options.replace)
    throw usageError(`folder ${path} exists and is not empty; choose another place or remove it first`, { file: path });
  const temporary = beside(target);
  const old = occupied ? beside(target) : undefined;
  try {
    await mkdir(temporary, { recursive: true });
    const result = await fill(temporary);
    await syncFolder(temporary);
    if (old) await rename(target, old);
    await rename(temporary, target);
    await syncFolder(dirname(target));
    if (old) await rm(old, { recursive: true, force: true });
    return result;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw isErrno(error) ? fileError('write', path, error) : error;
  }
}

const isErrno = (error: unknown): boolean => error instanceof Error && 'errno' in error;

const beside = (target: string) => join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);

/** Makes a rename last through a power cut. Some file systems refuse to sync a folder; then there is nothing to do. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
