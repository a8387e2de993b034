import { createReadStream } from 'node:fs';
import { type FileHandle, open, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { dataError } from '../core/errors.js';
import { jsonText } from '../core/json-text.js';
import { withAtomicFile } from './atomic.js';
import { readChunks } from './chunks.js';
import { MAX_ROW_BYTES } from './file-row.js';
import { fileError, makeFolder, statPath, syncFolder } from './files.js';
import { parseLine } from './json-rows.js';
import { splitLines } from './json-split.js';

/** A line of a JSON Lines file. */
export interface JsonLine {
  /** From 1; blank lines are skipped but counted. */
  readonly line: number;
  readonly value: unknown;
}

const NEWLINE = 10;

/**
 * Reads a JSON Lines file as a stream, plain or gzip (told by its first bytes). A broken line is a data error with its
 * number; so is a line over `maxLineBytes` (default 16 MiB), bytes that are not UTF-8, and a cut-off gzip file.
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
export interface Appender {
  /** Bytes of a half-written last line that were dropped when it was opened; 0 when the file was whole. */
  readonly dropped: number;
  /** Adds one line, or none of it when it fails; calls may overlap, lines never mix. */
  append(value: unknown): Promise<void>;
  /** Waits until all lines are on the disk. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens (or makes) a JSON Lines file to append to. What a killed writer left after the last line break is dropped, or,
 * when it is whole JSON that only lacks its line break, kept.
 */
export async function openAppender(path: string): Promise<Appender> {
  const guard = (cause: unknown): never => {
    throw fileError('write', path, cause);
  };
  await makeFolder(dirname(path));
  const handle = await open(path, 'a+').catch(guard);
  const ready = async () => {
    await syncFolder(dirname(path));
    return repair(handle, path);
  };
  const { dropped, size } = await ready().catch(async (cause: unknown) => {
    await handle.close();
    return guard(cause);
  });
  let [whole, torn] = [size, false];
  const untear = async () => {
    await handle.truncate(whole);
    torn = false;
  };
  const add = async (text: string) => {
    if (torn) await untear();
    try {
      await handle.appendFile(text);
      whole += Buffer.byteLength(text);
    } catch (error) {
      torn = true;
      await untear().catch(() => {});
      throw error;
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  const queue = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work).catch(guard);
    last = next.catch(() => {});
    return next;
  };
  return {
    dropped,
    append: (value) => {
      const text = `${jsonText(value)}\n`;
      return queue(() => add(text));
    },
    flush: () => queue(() => handle.datasync()),
    close: () => queue(() => handle.close()),
  };
}

/** Cuts a file off behind so many lines. Throws a data error when it has fewer; a missing file has none. */
export async function keepLines(path: string, lines: number): Promise<void> {
  let [found, end, at] = [0, 0, 0];
  try {
    const { kind, bytes } = await statPath(path);
    if (kind === 'file' && lines > 0)
      for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
        for (let i = chunk.indexOf(NEWLINE); i >= 0 && found < lines; i = chunk.indexOf(NEWLINE, i + 1)) {
          found++;
          end = at + i + 1;
        }
        at += chunk.length;
        if (found === lines) break;
      }
    if (found === lines && end < bytes) await truncate(path, end);
  } catch (cause) {
    throw fileError('write', path, cause);
  }
  if (found < lines)
    throw dataError(`${path}: expected at least ${lines} lines, found ${found}; was it changed or cut off?`, {
      file: path,
      expected: lines,
      actual: found,
    });
}

async function repair(handle: FileHandle, path: string): Promise<{ dropped: number; size: number }> {
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
  if (rest.length === 0) return { dropped: 0, size };
  if (isJson(rest)) {
    await handle.appendFile('\n');
    return { dropped: 0, size: size + 1 };
  }
  await handle.truncate(size - rest.length);
  return { dropped: rest.length, size: size - rest.length };
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
