import { fstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileError, makeFolder } from './files.js';

/** A file that other processes append to. */
export interface LogFile {
  /** Number of the open file, to be handed on. */
  readonly file: number;
  /** Closes it here; those that it was handed to keep theirs. */
  close(): Promise<void>;
}

/** Opens (or makes) a file for other processes to append to, folder included. */
export async function openLog(path: string): Promise<LogFile> {
  await makeFolder(dirname(path));
  try {
    const handle = await open(path, 'a');
    return { file: handle.fd, close: () => handle.close() };
  } catch (error) {
    throw fileError('write', path, error);
  }
}

/** The end of a text file: at most `bytes`, what is no UTF-8 replaced; empty where it cannot be read. */
export async function readTail(path: string, bytes: number): Promise<string> {
  try {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      const tail = Buffer.alloc(Math.min(size, bytes));
      const { bytesRead } = await handle.read(tail, 0, tail.length, size - tail.length);
      return tail.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return '';
  }
}

/** Whether what a process writes to this open file stays in a file. */
export function staysInFile(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile();
  } catch {
    return false;
  }
}
