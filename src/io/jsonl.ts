import { createReadStream } from 'node:fs';
import { type FileHandle, truncate } from 'node:fs/promises';
import { dataError } from '../core/errors.js';
import { jsonText } from '../core/json-text.js';
import { withAtomicFile } from './atomic.js';
import { readChunks } from './chunks.js';
import { MAX_ROW_BYTES } from './file-row.js';
import { fileError, statPath } from './files.js';
import { parseLine } from './json-rows.js';
import { splitLines } from './json-split.js';
import { type LineWriter, lineWriter, openToAppend, repairEnd } from './line-writer.js';

/** A line of a JSON Lines file. */
export interface JsonLine {
  /** From 1; blank lines are skipped but counted. */
  readonly line: number;
  readonly value: unknown;
}

const NEWLINE = 10;

/**
 * Reads a JSON Lines file as a stream, plain or gzip (recognised by its first bytes). A broken line
 * is a data error with its number; so is a line over `maxLineBytes` (default 16 MiB), bytes that
 * are not UTF-8, and a cut-off gzip file.
 */
export async function* readJsonLines(path: string, options: { maxLineBytes?: number } = {}): AsyncGenerator<JsonLine> {
  for await (const { bytes, line } of splitLines(path, readChunks(path), options.maxLineBytes ?? MAX_ROW_BYTES)) {
    const value = parseLine(bytes, path, line);
    if (value !== undefined) yield { line, value };
  }
}

/** Writes one JSON value a line, streamed and atomic. Returns the number of lines. */
export function writeJsonLines(path: string, rows: Iterable<unknown> | AsyncIterable<unknown>): Promise<number> {
  return withAtomicFile(path, async (file) => {
    let count = 0;
    let text = '';
    for await (const row of rows) {
      text += `${jsonText(row)}\n`;
      count++;
      if (text.length < 1 << 16) continue;
      await file.write(text);
      text = '';
    }
    if (text) await file.write(text);
    return count;
  });
}

/** A JSON Lines file that grows. */
export interface Appender extends LineWriter {
  /** Bytes of a half-written last line that were dropped when it was opened; 0 when the file was whole. */
  readonly dropped: number;
}

/**
 * Opens (or makes) a JSON Lines file to append to. What a killed writer left after the last line
 * break is dropped, or kept where it is whole JSON that is only missing its line break.
 */
export const openAppender = (path: string): Promise<Appender> =>
  openToAppend(path, async (handle) => {
    const { end, rest } = await lastLine(handle, path);
    const { dropped, size } = await repairEnd(handle, end, rest);
    return { dropped, ...lineWriter(path, handle, size, false) };
  });

/** Cuts a file off after `lines` lines. Throws a data error when it has fewer; a missing file has none. */
export async function keepLines(path: string, lines: number): Promise<void> {
  let [count, end, chunkStart] = [0, 0, 0];
  try {
    const { kind, bytes } = await statPath(path);
    if (kind === 'file' && lines > 0)
      for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
        for (let i = chunk.indexOf(NEWLINE); i >= 0 && count < lines; i = chunk.indexOf(NEWLINE, i + 1)) {
          count++;
          end = chunkStart + i + 1;
        }
        chunkStart += chunk.length;
        if (count === lines) break;
      }
    if (count === lines && end < bytes) await truncate(path, end);
  } catch (cause) {
    throw fileError('write', path, cause);
  }
  if (count < lines)
    throw dataError(`${path}: expected at least ${lines} lines, found ${count}; was it changed or cut off?`, {
      file: path,
      expected: lines,
      actual: count,
    });
}

/** The text after the last line break, and the byte at which it begins. */
async function lastLine(handle: FileHandle, path: string): Promise<{ end: number; rest: Buffer }> {
  const { size } = await handle.stat();
  let tail = Buffer.alloc(0);
  let start = size;
  while (start > 0 && tail.indexOf(NEWLINE) < 0) {
    const part = Buffer.alloc(Math.min(1 << 16, start));
    start -= part.length;
    const { bytesRead } = await handle.read(part, 0, part.length, start);
    if (bytesRead !== part.length) throw new Error(`${path} changed while it was opened`);
    tail = Buffer.concat([part, tail]);
  }
  const rest = tail.subarray(tail.lastIndexOf(NEWLINE) + 1);
  return { end: size - rest.length, rest };
}
