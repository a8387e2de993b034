import { type FileHandle, open } from 'node:fs/promises';
import { dataError } from '../core/errors.js';
import { fileError } from './files.js';

/** A file open for reading at any place. */
export interface RangedFile {
  readonly path: string;
  readonly bytes: number;
  /** Fills `into` from byte `offset` on; a data error when the file ends before. */
  read(offset: number, into: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** One read call may not exceed 2 GiB. */
const CHUNK = 1 << 28;

/** Opens a file for ranged reads. */
export async function openRanged(path: string): Promise<RangedFile> {
  const guard = (cause: unknown): never => {
    throw fileError('read', path, cause);
  };
  const handle: FileHandle = await open(path, 'r').catch(guard);
  const { size } = await handle.stat().catch(guard);
  return {
    path,
    bytes: size,
    async read(offset, into) {
      for (let done = 0; done < into.length; ) {
        const want = Math.min(CHUNK, into.length - done);
        const { bytesRead } = await handle.read(into, done, want, offset + done).catch(guard);
        if (bytesRead === 0)
          throw dataError(
            `${path} is cut off: expected at least ${offset + into.length} bytes, file has ${offset + done}`,
            {
              file: path,
              expected: offset + into.length,
              actual: offset + done,
            },
          );
        done += bytesRead;
      }
    },
    close: () => handle.close(),
  };
}
