import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isJson, jsonText } from '../core/json-text.js';
import { fileError, makeFolder, syncFolder } from './files.js';

/**
 * Opens (or makes) a file to append lines to, folder included, and does `prepare` with it; where
 * that fails the file is closed again. Errors of the file system say that it cannot be written.
 */
export async function openToAppend<T>(path: string, prepare: (handle: FileHandle) => Promise<T>): Promise<T> {
  const guard = (cause: unknown): never => {
    throw fileError('write', path, cause);
  };
  await makeFolder(dirname(path));
  const handle = await open(path, 'a+').catch(guard);
  try {
    await syncFolder(dirname(path));
    return await prepare(handle);
  } catch (cause) {
    await handle.close();
    return guard(cause);
  }
}

/**
 * Repairs the end of a file whose writer may have been killed: `rest` is what follows the last line
 * break, at byte `end`. Whole JSON that is only missing its line break is kept, anything else is
 * cut off. Returns the bytes dropped and those that stay.
 */
export async function repairEnd(
  handle: FileHandle,
  end: number,
  rest: Buffer,
): Promise<{ dropped: number; size: number }> {
  if (rest.length === 0) return { dropped: 0, size: end };
  if (isJson(rest.toString('utf8'))) {
    await handle.appendFile('\n');
    return { dropped: 0, size: end + rest.length + 1 };
  }
  await handle.truncate(end);
  return { dropped: rest.length, size: end };
}

/** Appends lines of JSON to an open file. */
export interface LineWriter {
  /**
   * Adds one line, or none of it when it fails. Lines that come while others are being written are
   * written together and never mix. `onWritten` is called with the byte at which the line ends, in
   * the order of the lines.
   */
  append(value: unknown, onWritten?: (end: number) => void): Promise<void>;
  /** Waits until all lines are on the disk. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** A line on its way to the disk. */
interface Waiting {
  readonly text: Buffer;
  written(end: number): void;
  failed(error: unknown): void;
}

/**
 * A writer to a file of `size` bytes, which end with a line break. `durable` has each group of lines on the disk before
 * `append` resolves; otherwise `flush` puts them there.
 */
export function lineWriter(path: string, handle: FileHandle, size: number, durable: boolean): LineWriter {
  let waiting: Waiting[] = [];
  let working: Promise<void> | undefined;
  let [whole, torn] = [size, false];
  const cutTorn = async () => {
    await handle.truncate(whole);
    torn = false;
  };
  const write = async (group: readonly Waiting[]) => {
    try {
      if (torn) await cutTorn();
      await handle.appendFile(Buffer.concat(group.map(({ text }) => text)));
      if (durable) await handle.datasync();
    } catch (cause) {
      // A part of it may be there: nothing of it counts, and the next line must not follow half a line.
      torn = true;
      await cutTorn().catch(() => {});
      const error = fileError('write', path, cause);
      for (const { failed } of group) failed(error);
      return;
    }
    for (const { text, written } of group) {
      whole += text.length;
      written(whole);
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
  const afterLines = async (action: () => Promise<void>) => {
    await working;
    await action().catch((cause: unknown) => {
      throw fileError('write', path, cause);
    });
  };
  return {
    append: (value, onWritten) => {
      const text = Buffer.from(`${jsonText(value)}\n`);
      return new Promise((resolve, failed) => {
        const written = (end: number) => {
          onWritten?.(end);
          resolve();
        };
        waiting.push({ text, written, failed });
        working ??= work();
      });
    },
    flush: () => afterLines(() => (durable ? Promise.resolve() : handle.datasync())),
    close: () => afterLines(() => handle.close()),
  };
}
