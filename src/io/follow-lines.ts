import { constants, type FileHandle, open } from 'node:fs/promises';
import { dataError } from '../core/errors.js';
import { MAX_ROW_BYTES } from './file-row.js';
import { fileError } from './files.js';
import { codeOf } from './lock-file.js';

/** What a file has gained since it was last looked at. */
export interface NewLines {
  /** Whole lines without their line breaks, in order; a last line that is still being written waits. */
  readonly lines: readonly string[];
  /** True where the file was cut off, replaced or removed since: `lines` then begin at its start again. */
  readonly restarted: boolean;
  /** True where more whole lines may be there already: they were left for the next call. */
  readonly more: boolean;
}

/** Reads a file as it grows. */
export interface LineFollower {
  /** The byte up to which lines were read. */
  readonly offset: number;
  /**
   * Size of the file in bytes and time of its last change in ms, when it was last looked at;
   * undefined while it is not there.
   */
  readonly seen: { readonly bytes: number; readonly changedMs: number } | undefined;
  /** Looks at the file once. One call at a time. */
  read(): Promise<NewLines>;
}

/** Bytes before the offset that must be the same as they were: an event's time is among them. */
const TAIL_BYTES = 1024;

/** Bytes that one call reads: a long file is read in parts, so that others have their turn. */
const PART_BYTES = 1 << 20;

const NEWLINE = 10;

interface Place {
  offset: number;
  /** What lies before the offset. */
  tail: Buffer;
  /** The file's number on its disk; another file of the same name has another. */
  inode: bigint;
}

/**
 * Follows a file of lines that another process appends to, by looking at it: there are no
 * notifications, which network file systems do not have. The file may be missing at first. It is
 * opened for every look, which makes NFS ask its server. A file that became shorter, that another
 * one replaced, or whose bytes before the offset are others (it was cut off and has grown again) is
 * read from its start. Throws a data error for a line over 16 MiB and for what is no file.
 */
export function followLines(path: string): LineFollower {
  let place: Place = { offset: 0, tail: Buffer.alloc(0), inode: -1n };
  let seen: LineFollower['seen'];
  return {
    get offset() {
      return place.offset;
    },
    get seen() {
      return seen;
    },
    async read() {
      const before = place;
      const handle = await openIfThere(path);
      if (!handle) {
        seen = undefined;
        place = { offset: 0, tail: Buffer.alloc(0), inode: -1n };
        return { lines: [], restarted: before.offset > 0, more: false };
      }
      try {
        const { size, mtimeMs, ino, isFile } = await stated(handle);
        if (!isFile) throw dataError(`cannot read ${path}: it is not a file; expected a file of lines`, { file: path });
        seen = { bytes: size, changedMs: mtimeMs };
        const restarted = before.offset > 0 && !(await isSame(handle, before, { size, ino }));
        const from = restarted ? { offset: 0, tail: Buffer.alloc(0), inode: ino } : { ...before, inode: ino };
        const part = await readPart(handle, path, from, size);
        place = part.place;
        return { lines: part.lines, restarted, more: part.more };
      } catch (cause) {
        throw fileError('read', path, cause);
      } finally {
        await handle.close();
      }
    },
  };
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    // Without waiting: a named pipe would have the reader wait for a writer.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(cause))) return undefined;
    throw fileError('read', path, cause);
  }
}

async function stated(handle: FileHandle) {
  const found = await handle.stat({ bigint: true });
  return { size: Number(found.size), mtimeMs: Number(found.mtimeMs), ino: found.ino, isFile: found.isFile() };
}

/** Whether what was read is still there. */
async function isSame(handle: FileHandle, { offset, tail, inode }: Place, now: { size: number; ino: bigint }) {
  if (now.size < offset || now.ino !== inode) return false;
  return (await readAt(handle, offset - tail.length, tail.length)).equals(tail);
}

async function readAt(handle: FileHandle, from: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  const { bytesRead } = await handle.read(buffer, 0, bytes, from);
  return buffer.subarray(0, bytesRead);
}

/** The whole lines after a place, as many as one call reads, and the place after them. */
async function readPart(handle: FileHandle, path: string, { offset, tail, inode }: Place, size: number) {
  for (let bytes = PART_BYTES; ; bytes *= 2) {
    const part = await readAt(handle, offset, Math.min(bytes, size - offset));
    const end = part.lastIndexOf(NEWLINE) + 1;
    const more = offset + part.length < size;
    if (end === 0 && more && bytes < MAX_ROW_BYTES) continue;
    if (end === 0 && part.length >= MAX_ROW_BYTES)
      throw dataError(`${path}: a line of more than ${MAX_ROW_BYTES} bytes`, { file: path, limit: MAX_ROW_BYTES });
    const whole = part.subarray(0, end);
    const lines = end === 0 ? [] : whole.toString('utf8').slice(0, -1).split('\n');
    const last = Buffer.concat([tail, whole.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    // A copy: the part is a megabyte.
    return { lines, more: more && end > 0, place: { offset: offset + end, tail: Buffer.from(last), inode } };
  }
}
