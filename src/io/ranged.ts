import { constants, readSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dataError } from '../core/errors.js';
import { fileError } from './files.js';

/** A file open for reading at any place. */
export interface RangedFile {
  readonly path: string;
  readonly bytes: number;
  /** Fills `into` from byte `offset` on; a data error when the file ends before. */
  read(offset: number, into: Uint8Array): Promise<void>;
  /** The same synchronously, for headers that are parsed value by value. */
  readSync(offset: number, into: Uint8Array): void;
  close(): Promise<void>;
}

/** One read call may not exceed 2 GiB. */
const CHUNK = 1 << 28;

/**
 * A named pipe is opened without waiting for a writer, so that it can be recognised and refused.
 * Windows has neither.
 */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Opens a file for ranged reads; a data error for what is no plain file (a folder, a pipe, a device). */
export async function openRanged(path: string): Promise<RangedFile> {
  const guard = (cause: unknown): never => {
    throw fileError('read', path, cause);
  };
  const handle: FileHandle = await open(path, READ).catch(guard);
  const { size } = await plainFile(path, handle).catch(async (cause) => {
    await handle.close();
    return guard(cause);
  });
  const cutOff = (expected: number, actual: number) =>
    dataError(`${path} is cut off: expected at least ${expected} bytes, file has ${actual}`, {
      file: path,
      expected,
      actual,
    });
  const readNow = (into: Uint8Array, at: number, offset: number) => {
    try {
      return readSync(handle.fd, into, at, Math.min(CHUNK, into.length - at), offset);
    } catch (cause) {
      return guard(cause);
    }
  };
  return {
    path,
    bytes: size,
    async read(offset, into) {
      for (let done = 0; done < into.length; ) {
        const { bytesRead } = await handle
          .read(into, done, Math.min(CHUNK, into.length - done), offset + done)
          .catch(guard);
        if (bytesRead === 0) throw cutOff(offset + into.length, offset + done);
        done += bytesRead;
      }
    },
    readSync(offset, into) {
      for (let done = 0; done < into.length; ) {
        const got = readNow(into, done, offset + done);
        if (got === 0) throw cutOff(offset + into.length, offset + done);
        done += got;
      }
    },
    close: () => handle.close(),
  };
}

async function plainFile(path: string, handle: FileHandle): Promise<Stats> {
  const stats = await handle.stat();
  if (stats.isFile()) return stats;
  const what = stats.isDirectory() ? 'a folder' : 'a pipe or device';
  throw dataError(`${path}: expected a plain file, found ${what}`, { file: path });
}
