import { dataError } from '../core/errors.js';
import { readChunks } from './chunks.js';
import { readText } from './files.js';
import { parseJson } from './json.js';

/** Longest row that is read, in bytes: some four million tokens. */
export const MAX_ROW_BYTES = 16 << 20;

/** Longest document that is read again, whole, to say where exactly it is broken, in bytes. */
const MAX_EXACT_BYTES = 8 << 20;

/** A row of a file of rows. */
export interface JsonRow {
  /** `file:line` in JSON Lines, `file: row n` in a JSON array; both from 1. */
  readonly place: string;
  readonly value: unknown;
  /** Its length in the file. */
  readonly bytes: number;
}

const [NEWLINE, QUOTE, BACKSLASH, COMMA] = [10, 34, 92, 44];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [91, 93, 123, 125];

const isSpace = (byte: number) => byte === 32 || (byte >= 9 && byte <= 13);

/**
 * Rows of a JSON array or of JSON Lines, told by the first character, plain or gzip: read as a stream, a row at a time, so
 * that a file may be longer than memory. Data errors name the row: broken JSON, bytes that are not UTF-8, a row over `maxRowBytes`.
 */
export async function* readJsonRows(path: string, { maxRowBytes = MAX_ROW_BYTES } = {}): AsyncGenerator<JsonRow> {
  const chunks = readChunks(path);
  const head: Buffer[] = [];
  let first: number | undefined;
  let held = 0;
  try {
    while (first === undefined && held <= maxRowBytes) {
      const { value, done } = await chunks.next();
      if (done) return;
      head.push(value);
      held += value.length;
      const start = held === value.length && value[0] === 0xef && value[1] === 0xbb && value[2] === 0xbf ? 3 : 0;
      first = value.subarray(start).find((byte) => !isSpace(byte));
    }
    const all = again(head, chunks);
    if (first === OPEN_LIST) yield* elements(path, all, maxRowBytes);
    else
      for await (const { bytes, line } of splitLines(path, all, maxRowBytes)) {
        const row = parseLine(bytes, path, line);
        if (row !== undefined) yield { place: `${path}:${line}`, value: row, bytes: bytes.length };
      }
  } finally {
    await chunks.return(undefined);
  }
}

/** The chunks that were looked at, then the rest. */
async function* again(head: readonly Buffer[], rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield* head;
  yield* rest;
}

/** The value of a line's bytes; undefined for a blank one. `line` counts from 1. */
export function parseLine(bytes: Uint8Array, path: string, line: number): unknown {
  const text = decode(bytes, `${path}:${line}`, path, line > 1);
  return text.trim() === '' ? undefined : parseJson(text, path, line);
}

function decode(bytes: Uint8Array, place: string, file: string, ignoreBOM: boolean): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM }).decode(bytes);
  } catch (cause) {
    throw dataError(`${place}: expected UTF-8 text, found bytes that are not`, { file }, cause);
  }
}

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
        `${path}:${line}: line longer than ${limit} bytes; expected one JSON value a line (is it one JSON document? then name it .json)`,
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

/** Elements of a JSON array. Where it is broken, a document that is not too long is parsed whole for the exact place. */
async function* elements(path: string, chunks: AsyncIterable<Buffer>, limit: number): AsyncGenerator<JsonRow> {
  let row = 0;
  const broken = async (what: string, cause?: unknown) => {
    const text = await readText(path, { maxBytes: MAX_EXACT_BYTES }).catch(() => undefined);
    const exact = text === undefined ? undefined : problemOf(() => parseJson(text, path));
    if (exact?.includes('not valid JSON')) return dataError(exact, { file: path, row }, cause);
    return dataError(`${path}: row ${row}: ${what}`, { file: path, row }, cause);
  };
  for await (const bytes of splitElements(chunks, limit)) {
    row++;
    if (typeof bytes === 'string') throw await broken(bytes);
    const place = `${path}: row ${row}`;
    const text = decode(bytes, place, path, true);
    let value: unknown;
    try {
      value = parseJson(text, place);
    } catch (cause) {
      throw await broken((cause as Error).message.slice(place.length + 2), cause);
    }
    yield { place, value, bytes: bytes.length };
  }
}

function problemOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The bytes between the commas of a JSON array's own level; a text that says what is wrong where they are not such. */
async function* splitElements(chunks: AsyncIterable<Buffer>, limit: number): AsyncGenerator<Uint8Array | string> {
  let parts: Buffer[] = [];
  let held = 0;
  let depth = 0;
  let inText = false;
  let escaped = false;
  let over = false;
  let any = false;
  for await (const chunk of chunks) {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (inText) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inText = false;
        continue;
      }
      if (over) {
        if (!isSpace(byte)) return yield 'text behind the end of the list';
      } else if (byte === QUOTE) inText = true;
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        depth++;
        if (depth === 1) start = i + 1;
      } else if ((byte === COMMA && depth === 1) || ((byte === CLOSE_LIST || byte === CLOSE_OBJECT) && --depth === 0)) {
        const bytes = Buffer.concat([...parts, chunk.subarray(start, i)]);
        over = byte !== COMMA;
        if (!over || any || !bytes.every(isSpace)) yield bytes;
        if (byte === CLOSE_OBJECT) return yield 'the list ends with }';
        any = true;
        parts = [];
        held = 0;
        start = i + 1;
      }
    }
    if (over || depth === 0) continue;
    parts.push(chunk.subarray(start));
    held += chunk.length - start;
    if (held > limit) return yield `longer than ${limit} bytes; expected rows of instructions and answers`;
  }
  if (!over) yield 'the list does not end';
}
