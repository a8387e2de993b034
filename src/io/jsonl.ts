import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { dataError } from '../core/errors.js';
import { withAtomicFile } from './atomic.js';
import { fileError } from './files.js';
import { parseJson } from './json.js';

/** A line of a JSON Lines file. */
export interface JsonLine {
  /** From 1; blank lines are skipped but counted. */
  readonly line: number;
  readonly value: unknown;
}

/** Longest line that is read, in bytes, unless told otherwise: 64 MiB. */
const MAX_LINE_BYTES = 64 << 20;

const NEWLINE = 10;

/**
 * Reads a JSON Lines file as a stream, plain or gzip (told by its first bytes). A broken line is a data error with its
 * number; so is a line over `maxLineBytes`, bytes that are not UTF-8, and a cut-off gzip file.
 */
export async function* readJsonLines(path: string, options: { maxLineBytes?: number } = {}): AsyncGenerator<JsonLine> {
  let line = 0;
  for await (const bytes of splitLines(path, options.maxLineBytes ?? MAX_LINE_BYTES)) {
    line++;
    const text = decode(bytes, path, line);
    if (text.trim() !== '') yield { line, value: parseJson(text, path, line) };
  }
}

function decode(bytes: Uint8Array, path: string, line: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: line > 1 }).decode(bytes);
  } catch (cause) {
    throw dataError(`${path}:${line}: expected UTF-8 text, found bytes that are not`, { file: path, line }, cause);
  }
}

async function* splitLines(path: string, limit: number): AsyncGenerator<Uint8Array> {
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
  for await (const chunk of chunks(path)) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      hold(chunk.subarray(start, end));
      yield parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      parts = [];
      held = 0;
      line++;
      start = end + 1;
    }
    if (start < chunk.length) hold(chunk.subarray(start));
  }
  if (held > 0) yield Buffer.concat(parts);
}

async function* chunks(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  let stream: Readable = file;
  try {
    const first = await peek(file);
    if (first && first[0] === 0x1f && first[1] === 0x8b) {
      const gunzip = createGunzip();
      file.on('error', (error) => gunzip.destroy(error));
      stream = file.pipe(gunzip);
    }
    yield* stream as AsyncIterable<Buffer>;
  } catch (cause) {
    if (stream === file) throw fileError('read', path, cause);
    const why = cause instanceof Error ? cause.message : String(cause);
    throw dataError(`${path}: broken or cut-off gzip file (${why}); fetch or pack it again`, { file: path }, cause);
  } finally {
    file.destroy();
    stream.destroy();
  }
}

/** Waits for the first chunk and puts it back. */
function peek(file: Readable): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    file.once('error', reject);
    file.once('end', () => resolve(undefined));
    file.once('readable', () => {
      const chunk = file.read() as Buffer | null;
      if (chunk === null) return;
      file.unshift(chunk);
      file.off('error', reject);
      resolve(chunk);
    });
  });
}

/** Writes one JSON value a line, streamed and atomic. Returns the number of lines. */
export function writeJsonLines(path: string, rows: Iterable<unknown> | AsyncIterable<unknown>): Promise<number> {
  return withAtomicFile(path, async (file) => {
    let count = 0;
    let text = '';
    for await (const row of rows) {
      text += `${JSON.stringify(row)}\n`;
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
  /** Adds one line; calls may overlap, lines never mix. */
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
  await mkdir(dirname(path), { recursive: true }).catch(guard);
  const handle = await open(path, 'a+').catch(guard);
  const dropped = await repair(handle, path).catch(async (cause: unknown) => {
    await handle.close();
    return guard(cause);
  });
  let last: Promise<unknown> = Promise.resolve();
  const queue = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work).catch(guard);
    last = next.catch(() => {});
    return next;
  };
  return {
    dropped,
    append: (value) => {
      const text = `${JSON.stringify(value)}\n`;
      return queue(() => handle.appendFile(text));
    },
    flush: () => queue(() => handle.datasync()),
    close: () => queue(() => handle.close()),
  };
}

async function repair(handle: FileHandle, path: string): Promise<number> {
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
  if (rest.length === 0) return 0;
  if (isJson(rest)) {
    await handle.appendFile('\n');
    return 0;
  }
  await handle.truncate(size - rest.length);
  return rest.length;
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
