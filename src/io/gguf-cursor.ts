import { dataError } from '../core/errors.js';
import { shownName } from '../core/shown.js';
import type { RangedFile } from './ranged.js';

/**
 * What a GGUF header may hold in all, list entries and bytes of text counted over all fields. The largest vocabularies in use have
 * 262,144 tokens, with as many scores and types and twice as many merges; the largest Llama has 1,138 tensors. A header at
 * every limit takes some 200 MiB of memory.
 */
export const LIMITS = { tensors: 1 << 16, fields: 1 << 16, entries: 1 << 21, textBytes: 32 << 20 };

/** Bytes that are read at a time. */
const WINDOW = 1 << 20;

/** A place in the file that moves on as values are read; knows how much file is left. */
export interface Cursor {
  readonly file: RangedFile;
  /** How much of each limit is left. */
  readonly budget: Record<keyof typeof LIMITS, number>;
  /** The next `n` bytes, as a view into the window. */
  take(n: number): DataView;
  /** Bytes between here and the end of the file. */
  left(): number;
  at(): number;
}

/** A cursor at the beginning of a file. */
export function cursorOver(file: RangedFile): Cursor {
  let window = new Uint8Array(0);
  let start = 0;
  let position = 0;
  return {
    file,
    budget: { ...LIMITS },
    take(n) {
      if (position + n > file.bytes)
        throw dataError(
          `${file.path} is cut off in its header: expected at least ${position + n} bytes, file has ${file.bytes}; copy or download it again`,
          { file: file.path, expected: position + n, actual: file.bytes },
        );
      if (position + n > start + window.length) {
        window = new Uint8Array(Math.min(Math.max(n, WINDOW), file.bytes - position));
        start = position;
        file.readSync(start, window);
      }
      const view = new DataView(window.buffer, position - start, n);
      position += n;
      return view;
    },
    left: () => file.bytes - position,
    at: () => position,
  };
}

/**
 * Reads a count that something of at least `each` bytes follows for. A data error, before memory is taken for it, where the file
 * cannot hold as much or a header may not.
 */
export function limitedCount(c: Cursor, each: number, of: keyof typeof LIMITS, what: string): number {
  const n = c.take(8).getBigUint64(0, true);
  const fields = { file: c.file.path };
  if (n * BigInt(each) > BigInt(c.left()))
    throw dataError(
      `${c.file.path}: broken or cut-off header: ${what} of ${n} does not fit the ${c.left()} bytes that are left`,
      fields,
    );
  if (n > c.budget[of]) {
    const unit = of === 'textBytes' ? 'bytes of text' : of === 'entries' ? 'list entries' : of;
    throw dataError(`${c.file.path}: broken header: more than ${LIMITS[of]} ${unit}; no model has as many`, fields);
  }
  c.budget[of] -= Number(n);
  return Number(n);
}

/** `ignoreBOM` keeps a leading U+FEFF, which is a token of its own in some vocabularies. */
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });
const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

/** A text with its length before it. The name of something (`of`) must be UTF-8; elsewhere what is not becomes U+FFFD. */
export function countedText(c: Cursor, of?: string): string {
  const bytes = c.take(limitedCount(c, 1, 'textBytes', 'a text length'));
  if (!of) return lenient.decode(bytes);
  try {
    return strict.decode(bytes);
  } catch (cause) {
    const near = shownName(lenient.decode(bytes));
    throw dataError(
      `${c.file.path}: broken header: the name of ${of} is not UTF-8 (${near})`,
      { file: c.file.path },
      cause,
    );
  }
}
