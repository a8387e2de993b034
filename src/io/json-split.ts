import { dataError } from '../core/errors.js';

/** The bytes of one JSON value in a file of several, or what is wrong with it. */
export interface JsonPiece {
  readonly bytes: Uint8Array;
  /** Line that it begins in, from 1. */
  readonly line: number;
  readonly problem?: string;
  /** Set where the file simply ends inside the piece: what comes before it is whole. */
  readonly torn?: boolean;
}

const [NEWLINE, QUOTE, BACKSLASH, COMMA] = [10, 34, 92, 44];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [91, 93, 123, 125];

/** True for a byte of white space. */
export const isSpace = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13);

/** Lines without their line breaks, blank ones too, numbered from 1. One over `limit` bytes is a data error. */
export async function* splitLines(
  path: string,
  chunks: AsyncIterable<Buffer>,
  limit: number,
): AsyncGenerator<{ bytes: Uint8Array; line: number }> {
  let parts: Buffer[] = [];
  let held = 0;
  let line = 1;
  const hold = (part: Buffer) => {
    held += part.length;
    if (held > limit)
      throw dataError(
        `${path}:${line}: line longer than ${limit} bytes; expected one JSON value per line (is it one JSON document? then name it .json)`,
        { file: path, line },
      );
    parts.push(part);
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      hold(chunk.subarray(start, end));
      yield { bytes: parts.length === 1 ? parts[0]! : Buffer.concat(parts), line };
      parts = [];
      held = 0;
      line++;
      start = end + 1;
    }
    if (start < chunk.length) hold(chunk.subarray(start));
  }
  if (held > 0) yield { bytes: Buffer.concat(parts), line };
}

/** Follows JSON text byte by byte, as far as finding the ends of its values takes. */
function follow() {
  const open: number[] = [];
  let inText = false;
  let escaped = false;
  return {
    open,
    get inText() {
      return inText;
    },
    /** Takes a byte in; true where it is a mark or white space outside of quoted texts. */
    take(byte: number): boolean {
      if (inText) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inText = false;
        return false;
      }
      if (byte === QUOTE) inText = true;
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) open.push(byte);
      else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) open.pop();
      return !inText;
    },
  };
}

/** The bytes between the commas of a JSON array's own level. */
export async function* splitElements(chunks: AsyncIterable<Buffer>, limit: number): AsyncGenerator<JsonPiece> {
  const state = follow();
  let parts: Buffer[] = [];
  let [held, line, from] = [0, 1, 1];
  let [over, any] = [false, false];
  for await (const chunk of chunks) {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (byte === NEWLINE) line++;
      if (over) {
        if (!isSpace(byte)) return yield piece([], from, 'text after the end of the list');
        continue;
      }
      const depth = state.open.length;
      if (!state.take(byte)) continue;
      if (depth === 0 && state.open.length === 1) start = i + 1;
      const ends = depth === 1 && state.open.length === 0;
      if (!ends && !(byte === COMMA && depth === 1)) continue;
      const row = piece([...parts, chunk.subarray(start, i)], from);
      over = ends;
      if (!over || any || !row.bytes.every(isSpace)) yield row;
      if (byte === CLOSE_OBJECT) return yield piece([], line, 'the list ends with }');
      any = true;
      parts = [];
      [held, start, from] = [0, i + 1, line];
    }
    if (over || state.open.length === 0) continue;
    parts.push(chunk.subarray(start));
    held += chunk.length - start;
    if (held > limit) return yield piece([], from, tooLong(limit));
  }
  if (!over) yield { ...piece(parts, from, 'the list does not end'), torn: true };
}

const piece = (parts: readonly Uint8Array[], line: number, problem?: string): JsonPiece => ({
  bytes: Buffer.concat(parts),
  line,
  ...(problem !== undefined && { problem }),
});

const tooLong = (limit: number) => `longer than ${limit} bytes; expected rows of instructions and answers`;

/** JSON objects one after another, with white space between them at most. */
export async function* splitObjects(chunks: AsyncIterable<Buffer>, limit: number): AsyncGenerator<JsonPiece> {
  const state = follow();
  let parts: Buffer[] = [];
  let [held, line, from] = [0, 1, 1];
  for await (const chunk of chunks) {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (byte === NEWLINE) line++;
      const depth = state.open.length;
      if (!state.take(byte) && depth > 0) continue;
      if (depth === 0) {
        if (byte === OPEN_OBJECT) [start, from] = [i, line];
        else if (!isSpace(byte)) return yield piece([], line, BETWEEN);
      } else if (state.open.length === 0) {
        yield piece([...parts, chunk.subarray(start, i + 1)], from);
        parts = [];
        held = 0;
      }
    }
    if (state.open.length === 0) continue;
    parts.push(chunk.subarray(start));
    held += chunk.length - start;
    if (held > limit) return yield piece([], from, tooLong(limit));
  }
  if (state.open.length > 0) yield { ...piece(parts, from, 'the object does not end'), torn: true };
}

const BETWEEN =
  'expected JSON objects one after another, found other text between two of them; put [ and ] around a list with commas';

/**
 * How a file whose first character is a brace is written: an object a line, or objects over several
 * lines. Decided by the first object, as far as `head` has it; undefined where more of the file is
 * needed. A line that ends inside a quoted text, or before another object begins, is torn, and the
 * file is one of lines.
 */
export function objectsOrLines(head: Uint8Array): 'lines' | 'objects' | undefined {
  const state = follow();
  let [newline, closed] = [false, false];
  for (const byte of head) {
    if (byte === NEWLINE && (state.inText || closed)) return 'lines';
    if (isSpace(byte)) {
      if (byte === NEWLINE && state.open.length > 0) newline = true;
    } else {
      if (closed) return byte === OPEN_OBJECT ? 'objects' : 'lines';
      if (newline) return byte === OPEN_OBJECT && state.open.at(-1) === OPEN_OBJECT ? 'lines' : 'objects';
    }
    const depth = state.open.length;
    state.take(byte);
    closed ||= depth === 1 && state.open.length === 0;
  }
  return undefined;
}
