import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pid } from 'node:process';
import { fileError } from './files.js';

/** float32 numbers in memory that several processes read and write, by their place. */
export interface SharedFloats {
  /** The open file, to be handed to other processes. */
  readonly file: number;
  write(at: number, values: Float32Array): void;
  /** Fills `into`. */
  read(at: number, into: Float32Array): void;
  close(): void;
}

/** Folders for the file: the first is in memory, and may be small in a container (64 MB by default). */
const FOLDERS = (): string[] => ['/dev/shm', tmpdir()];

const BLOCK = new Uint8Array(2 ** 20);
const BYTES = Float32Array.BYTES_PER_ELEMENT;
let made = 0;

/**
 * Makes room for `length` numbers, zero at first, in memory where there is enough of it and else in the folder
 * for temporary files. No name of it is left: it is gone with the last process that has it open, however that
 * ends. Throws (code `failed`) where there is no room.
 */
export function makeSharedFloats(length: number, folders: readonly string[] = FOLDERS()): SharedFloats {
  let problem: unknown;
  for (const folder of folders) {
    const path = join(folder, `phasetune-${pid}-${made++}`);
    try {
      return sharedFloats(reserve(path, length * BYTES));
    } catch (error) {
      problem ??= fileError('write', path, error);
    }
  }
  throw problem;
}

/** Opens, without a name, a file of so many zeros: a disk or memory that is full is to say so now. */
function reserve(path: string, bytes: number): number {
  const file = openSync(path, 'wx+', 0o600);
  try {
    unlinkSync(path);
    for (let at = 0; at < bytes; at += BLOCK.length) {
      const count = Math.min(BLOCK.length, bytes - at);
      transfer(count, (done) => writeSync(file, BLOCK, done, count - done, at + done));
    }
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** The numbers in a file that another process made and handed on. */
export function sharedFloats(file: number): SharedFloats {
  const bytesOf = (values: Float32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return {
    file,
    write(at, values) {
      const bytes = bytesOf(values);
      transfer(bytes.length, (done) => writeSync(file, bytes, done, bytes.length - done, at * BYTES + done));
    },
    read(at, into) {
      const bytes = bytesOf(into);
      transfer(bytes.length, (done) => readSync(file, bytes, done, bytes.length - done, at * BYTES + done));
    },
    close: () => closeSync(file),
  };
}

/** A call may take less than it was given. */
function transfer(bytes: number, some: (done: number) => number): void {
  for (let done = 0; done < bytes; ) {
    const count = some(done);
    if (count === 0) throw new RangeError(`the shared file ends ${bytes - done} bytes too early`);
    done += count;
  }
}
