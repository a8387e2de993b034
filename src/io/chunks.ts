import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { dataError, PhasetuneError } from '../core/errors.js';
import { checkIsFile, fileError } from './files.js';

/**
 * A packed file that unpacks to more than this many bytes, and to this many times its size, is not
 * a text that a person packed.
 */
const BOMB = { bytes: 64 << 20, times: 250 };

/** How a file is packed. */
export type Packing = 'gzip' | 'zstd';

/** How a file that begins with these bytes is packed; undefined for a plain one. */
export function packingOf(head: Uint8Array): Packing | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  // A frame, or a frame to be skipped, of which there are sixteen numbers.
  const frame = head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd;
  const skipped = head[0]! >> 4 === 5 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;
  return frame || skipped ? 'zstd' : undefined;
}

/**
 * The bytes of a file as a stream, unpacked when it is gzip or zstd (recognised by its first
 * bytes). Data errors: what is no file, a broken or cut-off packed file, and one that unpacks to
 * far more than text does.
 */
export async function* readChunks(path: string): AsyncGenerator<Buffer> {
  await checkIsFile(path);
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  try {
    const first = await peek(file);
    const packing = first && packingOf(first);
    if (packing === 'gzip') yield* unpackGzip(path, file);
    else if (packing === 'zstd') yield* unpackZstd(path, file);
    else yield* file as AsyncIterable<Buffer>;
  } catch (cause) {
    throw fileError('read', path, cause);
  } finally {
    file.destroy();
  }
}

/** Throws once there are more unpacked bytes than a packed text can have. */
function checkBomb(path: string, packing: Packing, read: number, unpacked: number): void {
  if (unpacked <= BOMB.bytes || unpacked <= BOMB.times * read) return;
  throw dataError(
    `${path}: ${read} bytes of ${packing} unpack to more than ${unpacked} bytes; expected packed text. Unpack it yourself if that is right`,
    { file: path },
  );
}

const broken = (path: string, packing: Packing, cause: Error): PhasetuneError =>
  dataError(
    `${path}: broken or cut-off ${packing} file (${cause.message}); fetch or pack it again`,
    { file: path },
    cause,
  );

async function* unpackGzip(path: string, file: Readable): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  file.on('error', (error) => gunzip.destroy(error));
  let unpacked = 0;
  try {
    for await (const chunk of file.pipe(gunzip) as AsyncIterable<Buffer>) {
      unpacked += chunk.length;
      checkBomb(path, 'gzip', gunzip.bytesWritten, unpacked);
      yield chunk;
    }
  } catch (cause) {
    // Errors of the file system name the call that failed; those of zlib do not.
    if (cause instanceof Error && 'errno' in cause && !('syscall' in cause)) throw broken(path, 'gzip', cause);
    throw cause;
  } finally {
    gunzip.destroy();
  }
}

/**
 * Not by Node's own zlib: Node 20 has no zstd, and that of Node 24 ends without an error after the
 * first of several frames.
 */
async function* unpackZstd(path: string, file: Readable): AsyncGenerator<Buffer> {
  const { Decompress } = await import('fzstd');
  let [read, unpacked] = [0, 0];
  const ready: Buffer[] = [];
  const unpack = new Decompress((chunk) => {
    unpacked += chunk.length;
    checkBomb(path, 'zstd', read, unpacked);
    if (chunk.length > 0) ready.push(Buffer.from(chunk));
  });
  const push = (chunk: Uint8Array, last: boolean) => {
    try {
      unpack.push(chunk, last);
    } catch (cause) {
      throw cause instanceof PhasetuneError ? cause : broken(path, 'zstd', cause as Error);
    }
  };
  for await (const chunk of file as AsyncIterable<Buffer>) {
    read += chunk.length;
    push(chunk, false);
    yield* ready.splice(0);
  }
  push(new Uint8Array(0), true);
  yield* ready.splice(0);
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
