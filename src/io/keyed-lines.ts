import { readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { jsonText } from '../core/json-text.js';
import { fileError, makeFolder, syncFolder } from './files.js';

/** What one line of the file is under: its key, and whether it settles that key. */
export interface KeyedLine {
  readonly key: string;
  readonly settles: boolean;
}

/** An append-only JSON Lines file with the place of the last settling line of each key in memory, and nothing else of it. */
export interface KeyedLines {
  /** Bytes of a half-written last line that were cut off when it was opened; 0 when the file was whole. */
  readonly dropped: number;
  /** Lines that are no such lines, and were passed over. */
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

/** What {@link openKeyedLines} needs to know of its lines. */
export interface KeyedFormat {
  /** First line of a new file. */
  readonly head: unknown;
  /** Throws for a first line that is not such a head. */
  checkHead(value: unknown): void;
  /** What a line is under; undefined for one that is none of this format. */
  keyOf(value: unknown): KeyedLine | undefined;
}

const NEWLINE = 10;
const CHUNK = 1 << 20;

/** What a pass over the file found. */
interface Found {
  /** Byte at which each line begins, and the end of the last. */
  readonly starts: number[];
  /** Line that settles each key, as an index into `starts`. */
  readonly settled: Map<string, number>;
  /** The last line of each other key. */
  readonly open: Map<string, number>;
  readonly passedOver: number;
  readonly dropped: number;
}

/**
 * Opens (or makes) such a file. A last line that a killed writer left half is cut off; one that is whole and only lacks its
 * line break is kept. The caller sees to it that no other process writes to it.
 */
export async function openKeyedLines(path: string, format: KeyedFormat): Promise<KeyedLines> {
  const guard = (cause: unknown): never => {
    throw fileError('write', path, cause);
  };
  await makeFolder(dirname(path));
  const handle = await open(path, 'a+').catch(guard);
  try {
    await syncFolder(dirname(path));
    const found = await scan(handle, format);
    return grow(path, handle, found);
  } catch (cause) {
    await handle.close();
    return guard(cause);
  }
}

async function scan(handle: FileHandle, format: KeyedFormat): Promise<Found> {
  const head = `${JSON.stringify(format.head)}\n`;
  const settled = new Map<string, number>();
  const open = new Map<string, number>();
  const starts: number[] = [0];
  let passedOver = 0;
  const take = (text: string): void => {
    const line = starts.length - 1;
    const value = parsed(text);
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
    for (let at = bytes.indexOf(NEWLINE, rest.length); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      take(bytes.toString('utf8', from, at));
      from = at + 1;
      starts.push(end + from);
    }
    end += from;
    rest = Buffer.from(bytes.subarray(from));
  }
  const last = rest.toString('utf8');
  const half = last !== '' && parsed(last) === undefined;
  if (starts.length === 1 && !head.startsWith(last)) format.checkHead(parsed(last));
  if (half) await handle.truncate(end);
  else if (last !== '') {
    take(last);
    await handle.appendFile('\n');
    starts.push(end + rest.length + 1);
  }
  if (starts.length === 1) {
    await handle.appendFile(head);
    await handle.datasync();
    starts.push(Buffer.byteLength(head));
  }
  return { starts, settled, open, passedOver, dropped: half ? rest.length : 0 };
}

function note({ settled, open }: Pick<Found, 'settled' | 'open'>, { key, settles }: KeyedLine, line: number): void {
  if (settles) {
    settled.set(key, line);
    open.delete(key);
  } else if (!settled.has(key)) open.set(key, line);
}

/** The file from its beginning; each chunk has its own memory. */
async function* chunksOf(handle: FileHandle): AsyncGenerator<Buffer> {
  for (let at = 0; ; ) {
    const chunk = Buffer.allocUnsafeSlow(CHUNK);
    const { bytesRead } = await handle.read(chunk, 0, CHUNK, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A line on its way to the disk. */
interface Waiting extends KeyedLine {
  readonly text: Buffer;
  done(): void;
  failed(error: unknown): void;
}

function grow(path: string, handle: FileHandle, { starts, settled, open, passedOver, dropped }: Found): KeyedLines {
  let waiting: Waiting[] = [];
  let working: Promise<void> | undefined;
  const write = async (group: readonly Waiting[]) => {
    const end = starts.at(-1)!;
    try {
      await handle.appendFile(Buffer.concat(group.map(({ text }) => text)));
      await handle.datasync();
    } catch (cause) {
      // A part of it may be there: nothing of it counts, and the next line must not go on behind half a one.
      await handle.truncate(end).catch(() => {});
      const error = fileError('write', path, cause);
      for (const { failed } of group) failed(error);
      return;
    }
    for (const line of group) {
      note({ settled, open }, line, starts.length - 1);
      starts.push(starts.at(-1)! + line.text.length);
      line.done();
    }
  };
  const work = async () => {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await write(group);
    }
    working = undefined;
  };
  const flush = async () => {
    await working;
  };
  const read = (line: number | undefined): unknown => {
    if (line === undefined) return undefined;
    const from = starts[line]!;
    const bytes = Buffer.allocUnsafe(starts[line + 1]! - from);
    const got = readSync(handle.fd, bytes, 0, bytes.length, from);
    return JSON.parse(bytes.toString('utf8', 0, got));
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
      new Promise((done, failed) => {
        waiting.push({ key, settles, text: Buffer.from(`${jsonText(value)}\n`), done, failed });
        working ??= work();
      }),
    flush,
    async close() {
      await flush();
      await handle.close();
    },
  };
}
