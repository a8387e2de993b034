import { randomBytes } from 'node:crypto';
import { open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { PhasetuneError, usageError } from '../core/errors.js';
import { jsonText } from '../core/json-text.js';
import { exists, fileError, makeFolder, syncFolder } from './files.js';

/** A file being written beside its final place; nobody sees it before `commit`. */
export interface AtomicFile {
  /** Appends. The chunk may be reused once the promise has resolved. */
  write(chunk: string | Uint8Array): Promise<void>;
  /** Flushes to the disk and moves the file to its place; throws it away when that fails. */
  commit(): Promise<void>;
  /** Throws away what was written; harmless after `commit`. Never throws: what a failing disk keeps is a leftover. */
  abort(): Promise<void>;
}

/** Temporary files and folders that this process is writing. */
const under = new Set<string>();

/**
 * Opens a file for streamed writing that appears whole or not at all: a temporary file beside it,
 * fsync, rename, fsync of the folder; in a folder that {@link writeFolderAtomic} is filling, that
 * one flushes. Missing folders are made. A device or pipe (`/dev/stdout`) is written to directly.
 */
export async function createAtomicFile(path: string): Promise<AtomicFile> {
  const target = await realpath(path).catch(() => resolve(path));
  const existing = await stat(target).catch(() => undefined);
  if (existing?.isDirectory())
    throw usageError(`${path} is a folder; expected the name of a file to write`, { file: path });
  const direct = existing !== undefined && !existing.isFile();
  const temporary = direct ? target : beside(target, 'tmp');
  // A folder under way is flushed as a whole.
  const lasting = !direct && ![...under].some((folder) => target.startsWith(folder + sep));
  const guard = <T>(work: () => Promise<T>) =>
    work().catch((cause: unknown) => Promise.reject(fileError('write', path, cause)));
  if (!direct) {
    refuseLost(target, path);
    await makeFolder(dirname(target));
  }
  const handle = await guard(() => open(temporary, direct ? 'w' : 'wx', existing ? existing.mode & 0o777 : 0o666));
  if (!direct) under.add(temporary);
  let open_ = true;
  const close = async () => {
    if (!open_) return;
    open_ = false;
    await handle.close();
  };
  const abort = async () => {
    if (direct || !under.has(temporary)) return close().catch(() => {});
    await close().catch(() => {});
    await discard(temporary);
  };
  return {
    write: (chunk) => guard(() => handle.writeFile(chunk)),
    async commit() {
      if (!open_) return;
      try {
        if (lasting) await guard(() => handle.sync());
        await guard(close);
        if (direct) return;
        await guard(() => rename(temporary, target));
        under.delete(temporary);
        if (lasting) await guard(() => syncFolder(dirname(target)));
      } catch (error) {
        await abort();
        throw error;
      }
    },
    abort,
  };
}

/**
 * A folder whose temporary place was removed while it was written is lost: making it again would
 * make half a folder.
 */
function refuseLost(target: string, path: string): void {
  for (const temporary of under)
    if (target.startsWith(temporary + sep) && !exists(temporary)) throw fileError('write', path, gone(temporary));
}

const gone = (path: string) => Object.assign(new Error(`${path} is gone`), { code: 'ENOENT', errno: 0 });

/** Removes what is of no use any more. A disk that fails at that, too, has been complained of already. */
async function discard(temporary: string): Promise<void> {
  await rm(temporary, { recursive: true, force: true }).catch(() => {});
  under.delete(temporary);
}

/**
 * Writes a whole file atomically, see {@link createAtomicFile}: after a crash either the old
 * content is there or the new.
 */
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

/**
 * Writes a value as indented JSON with a final newline, atomically; numbers that are not finite as
 * {@link jsonText} has them.
 */
export const writeJson = (path: string, value: unknown): Promise<void> =>
  writeFileAtomic(path, `${jsonText(value, 2)}\n`);

/**
 * Lets `fill` write files into a temporary folder beside `path`, then flushes all of it to the disk
 * and moves it there in one go. An existing empty folder is taken; one with files in it is refused
 * with a usage error, or replaced when `replace` is set: until the new one is whole the old stays,
 * see {@link removeLeftovers} for a crash between the two.
 */
export async function writeFolderAtomic<T>(
  path: string,
  fill: (temporary: string) => Promise<T>,
  options: { replace?: boolean } = {},
): Promise<T> {
  const target = resolve(path);
  const occupied = await isOccupied(path);
  if (occupied && !options.replace)
    throw usageError(`folder ${path} exists and is not empty; choose another place or remove it first`, { file: path });
  const temporary = beside(target, 'tmp');
  under.add(temporary);
  try {
    await makeFolder(temporary, path);
    const { ino } = await stat(temporary);
    const result = await fill(temporary);
    await syncTree(temporary);
    if ((await stat(temporary)).ino !== ino) throw gone(temporary);
    await putFolder(temporary, target, occupied);
    return result;
  } catch (error) {
    await discard(temporary);
    if (error instanceof PhasetuneError) throw named(error, temporary, path);
    throw isErrno(error) ? fileError('write', path, error) : error;
  } finally {
    under.delete(temporary);
  }
}

/** The error with the name of the place that people know, instead of the temporary one. */
function named(error: PhasetuneError, temporary: string, path: string): PhasetuneError {
  if (!error.message.includes(temporary)) return error;
  const { file } = error.fields;
  const fields = typeof file === 'string' ? { ...error.fields, file: file.replace(temporary, path) } : error.fields;
  return new PhasetuneError(error.code, error.message.replaceAll(temporary, path), fields, { cause: error });
}

async function isOccupied(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length > 0;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw fileError('write', path, cause);
  }
}

async function putFolder(temporary: string, target: string, occupied: boolean): Promise<void> {
  const old = beside(target, 'old');
  if (occupied) await rename(target, old);
  try {
    await rename(temporary, target);
  } catch (error) {
    if (occupied) await rename(old, target);
    throw error;
  }
  await syncFolder(dirname(target));
  if (occupied) await discard(old);
}

/** Flushes all files of a folder to the disk, also those that others wrote, each before the folder that names it. */
async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) await syncFile(path);
  }
  await syncFolder(folder);
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const LEFTOVER = /^\.(.+)\.[0-9a-f]{12}\.(tmp|old)$/;

/** True for the name of what a killed writer of this module left, and of what one is writing. */
export const isLeftover = (name: string): boolean => LEFTOVER.test(name);

/**
 * Removes, in a folder and those in it, what killed writers of this module left there, and returns
 * their paths. Only for a folder in which no other process writes. A folder that was being replaced
 * and has no successor yet is put back, and not reported.
 */
export async function removeLeftovers(folder: string): Promise<string[]> {
  const removed: string[] = [];
  try {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      const [, name, kind] = LEFTOVER.exec(entry.name) ?? [];
      if (name === undefined) {
        if (entry.isDirectory()) removed.push(...(await removeLeftovers(path)));
      } else if (kind === 'old' && !(await isOccupied(join(folder, name)))) await rename(path, join(folder, name));
      else if (!under.has(resolve(path))) {
        await rm(path, { recursive: true, force: true });
        removed.push(path);
      }
    }
    return removed;
  } catch (error) {
    throw fileError('write', folder, error);
  }
}

const isErrno = (error: unknown): boolean => error instanceof Error && 'errno' in error;

const beside = (target: string, kind: 'tmp' | 'old') =>
  join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.${kind}`);
