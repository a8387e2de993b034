import { dataError } from '../core/errors.js';
import { saveAsUtf8 } from './file-kinds.js';
import type { FileRow } from './file-row.js';
import { readText } from './files.js';
import { parseJson } from './json.js';
import { splitElements, splitLines, splitObjects } from './json-split.js';
import { parseRow } from './row-json.js';

/** Longest document that is read again, whole, to say where exactly it is broken, in bytes. */
const MAX_EXACT_BYTES = 8 << 20;

/** The value of a line's bytes; undefined for a blank one. `line` counts from 1. */
export function parseLine(bytes: Uint8Array, path: string, line: number): unknown {
  const text = decode(bytes, `${path}:${line}`, path, line > 1);
  return text.trim() === '' ? undefined : parseJson(text, path, line);
}

function decode(bytes: Uint8Array, place: string, file: string, ignoreBOM: boolean): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM }).decode(bytes);
  } catch (cause) {
    throw dataError(`${place}: expected UTF-8 text, found bytes that are not; ${saveAsUtf8(file)}`, { file }, cause);
  }
}

/** A row, or what is wrong with it where `read` throws; undefined for a blank one. */
function rowOf(place: string, bytes: Uint8Array, read: () => unknown): FileRow | undefined {
  try {
    const value = read();
    return value === undefined ? undefined : { place, value, bytes: bytes.length };
  } catch (error) {
    return { place, value: undefined, bytes: bytes.length, error: withHint(error as Error, bytes) };
  }
}

/** Says what Python's own notation is, which people print instead of JSON. */
function withHint(error: Error, bytes: Uint8Array): Error {
  if (!/^\s*[[{]\s*'/.test(Buffer.from(bytes.subarray(0, 20)).toString('latin1'))) return error;
  return dataError(`${error.message}; it looks like Python's own notation: write rows with json.dumps`, {}, error);
}

/** Rows of JSON Lines. A line that is broken is a row with an error. */
export async function* lineRows(path: string, chunks: AsyncIterable<Buffer>, limit: number): AsyncGenerator<FileRow> {
  for await (const { bytes, line } of splitLines(path, chunks, limit)) {
    const row = rowOf(`${path}:${line}`, bytes, () => {
      const text = decode(bytes, `${path}:${line}`, path, true);
      return text.trim() === '' ? undefined : parseRow(text, path, line);
    });
    if (row) yield row;
  }
}

/** JSON objects one after another, each over as many lines as it likes. */
export async function* objectRows(path: string, chunks: AsyncIterable<Buffer>, limit: number): AsyncGenerator<FileRow> {
  for await (const { bytes, line, problem, torn } of splitObjects(chunks, limit)) {
    const place = `${path}:${line}`;
    if (problem !== undefined) {
      const error = dataError(`${place}: ${problem}`, { file: path, line });
      if (!torn) throw error;
      yield { place, value: undefined, bytes: bytes.length, error };
    } else yield rowOf(place, bytes, () => parseRow(decode(bytes, place, path, true), path, line))!;
  }
}

/**
 * Elements of a JSON array. Where it is broken, a document that is not too long is parsed whole for
 * the exact place.
 */
export async function* listRows(path: string, chunks: AsyncIterable<Buffer>, limit: number): AsyncGenerator<FileRow> {
  let row = 0;
  let exactKnown = false;
  const broken = async (what: string, cause?: unknown) => {
    const text = exactKnown ? undefined : await readText(path, { maxBytes: MAX_EXACT_BYTES }).catch(() => undefined);
    exactKnown = true;
    const exact = text === undefined ? undefined : problemOf(() => parseRow(text, path));
    if (exact?.includes('not valid JSON')) return dataError(exact, { file: path, row }, cause);
    return dataError(`${path}: row ${row}: ${what}`, { file: path, row }, cause);
  };
  for await (const { bytes, problem, torn } of splitElements(chunks, limit)) {
    row++;
    const place = `${path}: row ${row}`;
    if (problem !== undefined) {
      const error = await broken(problem);
      if (!torn) throw error;
      yield { place, value: undefined, bytes: bytes.length, error };
      continue;
    }
    const fileRow = rowOf(place, bytes, () => parseRow(decode(bytes, place, path, true), place))!;
    const said = fileRow.error?.message.slice(place.length + 2);
    yield said?.includes('not valid JSON') ? { ...fileRow, error: await broken(said, fileRow.error) } : fileRow;
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
