import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileError, makeFolder } from './files.js';

/** A file that grows over several runs, until it is whole and gets its name. */
export interface ResumableFile {
  /** Bytes that are there. */
  readonly bytes: number;
  append(chunk: Uint8Array): Promise<void>;
  /** Throws away what is there. */
  restart(): Promise<void>;
  /** Closes it; what was written stays for the next time. */
  close(): Promise<void>;
}

/** Opens a partly written file to continue it, or makes it. */
export async function openResumable(path: string): Promise<ResumableFile> {
  const guard = (cause: unknown): never => {
    throw fileError('write', path, cause);
  };
  await makeFolder(dirname(path));
  const handle: FileHandle = await open(path, 'a').catch(guard);
  let { size } = await handle.stat().catch(guard);
  return {
    get bytes() {
      return size;
    },
    async append(chunk) {
      await handle.appendFile(chunk).catch(guard);
      size += chunk.length;
    },
    async restart() {
      await handle.truncate(0).catch(guard);
      size = 0;
    },
    async close() {
      await handle.sync().catch(guard);
      await handle.close();
    },
  };
}

/** Gives a finished file or folder its name. The place must be free, or hold a file where a file is moved there. */
export async function moveTo(from: string, to: string): Promise<void> {
  await rename(from, to).catch((cause: unknown) => {
    throw fileError('write', to, cause);
  });
}
