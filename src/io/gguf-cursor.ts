import { isUtf8 } from 'node:buffer';
import { dataError } from '../core/errors.js';
import type { RangedFile } from './ranged.js';

/**
 * What a GGUF header may hold in all, list entries and bytes of text counted over all fields. The
 * largest vocabularies in use have 262,144 tokens, with as many scores and types and twice as many
 * merges; the largest Llama has 1,138 tensors. A header at every limit takes some 200 MiB of
 * memory.
 */
export const LIMITS = { tensors: 1 << 16, fields: 1 << 16, entries: 1 << 21, textBytes: 32 << 20 };

/** Bytes per read. */
const WINDOW = 1 << 20;

/** A place in the file that moves on as values are read; knows how much file is left. Numbers are little-endian. */
export interface Cursor {
  readonly file: RangedFile;
  /** How much of each limit is left. */
  readonly budget: Record<keyof typeof LIMITS, number>;
  /** The next number, by the method of a Buffer that reads it, and how many bytes that takes. */
  number<T>(read: (this: Buffer, at: number) => T, bytes: number): T;
  u32(): number;
  /** A number of 64 bits; inexact from 2^53 on. */
  u64(): number;
  /**
   * The next `n` bytes as text; what is not UTF-8 becomes U+FFFD, or undefined where it must be. A
   * byte order mark stays.
   */
  text(n: number, strict: boolean): string | undefined;
  /** Bytes between here and the end of the file. */
  left(): number;
  at(): number;
}

/** A cursor at the beginning of a file. */
export function cursorOver(file: RangedFile): Cursor {
  let window = Buffer.alloc(0);
  let start = 0;
  let position = 0;
  /** Moves forward by `n` bytes, which are then in the window, and returns where in it they begin. */
  const take = (n: number): number => {
    if (position + n > file.bytes)
      throw dataError(
        `${file.path} is cut off in its header: expected at least ${position + n} bytes, file has ${file.bytes}; copy or download it again`,
        { file: file.path, expected: position + n, actual: file.bytes },
      );
    if (position + n > start + window.length) {
      window = Buffer.allocUnsafeSlow(Math.min(Math.max(n, WINDOW), file.bytes - position));
      start = position;
      file.readSync(start, window);
    }
    position += n;
    return position - n - start;
  };
  const u32 = () => {
    const offset = take(4);
    return window.readUInt32LE(offset);
  };
  return {
    file,
    budget: { ...LIMITS },
    number(read, bytes) {
      const offset = take(bytes);
      return read.call(window, offset);
    },
    u32,
    u64: () => u32() + u32() * 2 ** 32,
    text(n, strict) {
      const offset = take(n);
      if (strict && !isUtf8(window.subarray(offset, offset + n))) return undefined;
      return window.toString('utf8', offset, offset + n);
    },
    left: () => file.bytes - position,
    at: () => position,
  };
}

/**
 * Reads a count that something of at least `each` bytes follows for. A data error, before memory is
 * taken for it, where the file cannot hold as much or a header may not.
 */
export function limitedCount(c: Cursor, each: number, of: keyof typeof LIMITS, what: string): number {
  const n = c.u64();
  const fields = { file: c.file.path };
  if (n * each > c.left())
    throw dataError(
      `${c.file.path}: broken or cut-off header: ${what} of ${n} does not fit the ${c.left()} bytes that are left`,
      fields,
    );
  if (n > c.budget[of]) {
    const unit = of === 'textBytes' ? 'bytes of text' : of === 'entries' ? 'list entries' : of;
    throw dataError(`${c.file.path}: broken header: more than ${LIMITS[of]} ${unit}; no model has as many`, fields);
  }
  c.budget[of] -= n;
  return n;
}

/**
 * A text with its length before it. The name of something (`of`) must be UTF-8; elsewhere what is
 * not becomes U+FFFD.
 */
export function countedText(c: Cursor, of?: string): string {
  const text = c.text(limitedCount(c, 1, 'textBytes', 'a text length'), of !== undefined);
  if (text !== undefined) return text;
  throw dataError(`${c.file.path}: broken header: the name of ${of} before byte ${c.at()} is not UTF-8`, {
    file: c.file.path,
  });
}
