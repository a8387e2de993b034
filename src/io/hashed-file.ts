import { createHash } from 'node:crypto';
import { createAtomicFile } from './atomic.js';

/** A file being written whose hash is known as soon as it is whole. */
export interface HashedFile {
  /** Adds bytes, which must not change until the next `flush` or `commit`; waits for the disk now and then only. */
  add(...parts: readonly Uint8Array[]): void | Promise<void>;
  /** Moves the file to its place; returns the SHA-256 of its bytes. */
  commit(): Promise<string>;
  /** Throws away what was written. */
  abort(): Promise<void>;
}

/** Bytes gathered before they are written. */
const GATHERED = 1 << 18;

/**
 * Opens a file that appears whole or not at all, as {@link createAtomicFile} does, written in large
 * pieces and hashed on the way.
 */
export async function createHashedFile(path: string): Promise<HashedFile> {
  const file = await createAtomicFile(path);
  const hash = createHash('sha256');
  let parts: Uint8Array[] = [];
  let held = 0;
  const flush = async () => {
    const bytes = Buffer.concat(parts);
    parts = [];
    held = 0;
    hash.update(bytes);
    await file.write(bytes);
  };
  return {
    add(...more) {
      for (const part of more) {
        parts.push(part);
        held += part.length;
      }
      return held >= GATHERED ? flush() : undefined;
    },
    async commit() {
      await flush();
      await file.commit();
      return hash.digest('hex');
    },
    abort: () => file.abort(),
  };
}
