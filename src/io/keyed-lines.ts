import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { tryParseJson } from '../core/json-text.js';
import { lineWriter, openToAppend, repairEnd } from './line-writer.js';

/** What one line of the file is under: its key, and whether it settles that key. */
export interface KeyedLine {
  readonly key: string;
  readonly settles: boolean;
}

/** An append-only JSON Lines file of which only the place of the last settling line of each key is in memory. */
export interface KeyedLines {
  /** Bytes of a half-written last line that were cut off when it was opened; 0 when the file was whole. */
  readonly dropped: number;
  /** Lines that are not in the format, and were skipped. */
  readonly passedOver: number;
  /** Keys that a line settles. */
  readonly size: number;
  has(key: string): boolean;
  /** The last line that settles a key, read from the disk. */
  get(key: string): unknown;
  /** The last line of a key that no line settles, read from the disk. */
  unsettled(key: string): unknown;
  /** Adds a line. Lines that come together are written and flushed together; resolves when this one is on the disk. */
  append(line: KeyedLine & { readonly value: unknown }): Promise<void>;
  /** Waits until all lines are on the disk. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** How {@link openKeyedLines} reads its lines. */
export interface KeyedFormat {
  /** First line of a new file. */
  readonly head: unknown;
  /** Throws for a first line that is not such a head. */
  checkHead(value: unknown): void;
  /** What a line is under; undefined for one that is not in this format. */
  keyOf(value: unknown): KeyedLine | undefined;
}

const NEWLINE = 10;
const CHUNK = 1 << 20;

/** What is in the file when it is opened. */
interface Contents {
  /** Byte at which each line begins, and the end of the last. */
  readonly starts: number[];
  /** Index into `starts` of the line that settles each key. */
  readonly settled: Map<string, number>;
  /** The last line of each other key. */
  readonly open: Map<string, number>;
  readonly passedOver: number;
  readonly dropped: number;
}

/**
 * Opens (or makes) such a file. A last line that a killed writer left half is cut off; one that is
 * whole and only missing its line break is kept. The caller makes sure that no other process writes
 * to it.
 */
export const openKeyedLines = (path: string, format: KeyedFormat): Promise<KeyedLines> =>
  openToAppend(path, async (handle) => keyedLines(path, handle, await scan(handle, format)));

async function scan(handle: FileHandle, format: KeyedFormat): Promise<Contents> {
  const head = `${JSON.stringify(format.head)}\n`;
  const settled = new Map<string, number>();
  const open = new Map<string, number>();
  const starts: number[] = [0];
  let passedOver = 0;
  const take = (text: string): void => {
    const line = starts.length - 1;
    const value = tryParseJson(text);
    if (line === 0) format.checkHead(value);
    else {
      const key = value === undefined ? undefined : format.keyOf(value);
      if (key) note({ settled, open }, key, line);
      else if (text.trim() !== '') passedOver++;
    }
  };
  let rest = Buffer.alloc(0);
  let end = 0;
  for await (const chunk of chunksOf(handle)) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let from = 0;
    for (let newline = bytes.indexOf(NEWLINE, rest.length); newline >= 0; newline = bytes.indexOf(NEWLINE, from)) {
      take(bytes.toString('utf8', from, newline));
      from = newline + 1;
      starts.push(end + from);
    }
    end += from;
    rest = Buffer.from(bytes.subarray(from));
  }
  const last = rest.toString('utf8');
  if (starts.length === 1 && !head.startsWith(last)) format.checkHead(tryParseJson(last));
  const { dropped, size } = await repairEnd(handle, end, rest);
  if (size > end) {
    take(last);
    starts.push(size);
  }
  if (starts.length === 1) {
    await handle.appendFile(head);
    await handle.datasync();
    starts.push(Buffer.byteLength(head));
  }
  return { starts, settled, open, passedOver, dropped };
}

function note({ settled, open }: Pick<Contents, 'settled' | 'open'>, { key, settles }: KeyedLine, line: number): void {
  if (settles) {
    settled.set(key, line);
    open.delete(key);
  } else if (!settled.has(key)) open.set(key, line);
}

/** The file from its beginning; each chunk has its own memory. */
async function* chunksOf(handle: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const chunk = Buffer.allocUnsafeSlow(CHUNK);
    const { bytesRead } = await handle.read(chunk, 0, CHUNK, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

function keyedLines(path: string, handle: FileHandle, contents: Contents): KeyedLines {
  const { starts, settled, open, passedOver, dropped } = contents;
  const { append, flush, close } = lineWriter(path, handle, starts.at(-1)!, true);
  const read = (line: number | undefined): unknown => {
    if (line === undefined) return undefined;
    const from = starts[line]!;
    const bytes = Buffer.allocUnsafe(starts[line + 1]! - from);
    const length = readSync(handle.fd, bytes, 0, bytes.length, from);
    return JSON.parse(bytes.toString('utf8', 0, length));
  };
  return {
    dropped,
    passedOver,
    get size() {
      return settled.size;
    },
    has: (key) => settled.has(key),
    get: (key) => read(settled.get(key)),
    unsettled: (key) => read(open.get(key)),
    append: ({ key, settles, value }) =>
      append(value, (end) => {
        note({ settled, open }, { key, settles }, starts.length - 1);
        starts.push(end);
      }),
    flush,
    close,
  };
}
