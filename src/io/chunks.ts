import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { dataError } from '../core/errors.js';
import { checkIsFile, fileError } from './files.js';

/** A gzip file that unpacks to more than this many bytes, and to so many times its size, is no text that a person packed. */
const BOMB = { bytes: 64 << 20, times: 250 };

/**
 * The bytes of a file as a stream, unpacked when it is gzip (told by its first bytes). Data errors: what is no file, a broken
 * or cut-off gzip file, and one that unpacks to far more than text does.
 */
export async function* readChunks(path: string): AsyncGenerator<Buffer> {
  await checkIsFile(path);
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  let stream: Readable = file;
  try {
    const first = await peek(file);
    if (first && first[0] === 0x1f && first[1] === 0x8b) {
      const gunzip = createGunzip();
      file.on('error', (error) => gunzip.destroy(error));
      stream = file.pipe(gunzip);
      let unpacked = 0;
      for await (const chunk of gunzip as AsyncIterable<Buffer>) {
        unpacked += chunk.length;
        if (unpacked > BOMB.bytes && unpacked > BOMB.times * gunzip.bytesWritten)
          throw dataError(
            `${path}: ${gunzip.bytesWritten} bytes of gzip unpack to more than ${unpacked} bytes; expected packed text. Unpack it yourself if that is right`,
            { file: path },
          );
        yield chunk;
      }
    } else yield* stream as AsyncIterable<Buffer>;
  } catch (cause) {
    if (stream === file) throw fileError('read', path, cause);
    if (!(cause instanceof Error) || !('errno' in cause)) throw cause;
    throw dataError(
      `${path}: broken or cut-off gzip file (${cause.message}); fetch or pack it again`,
      { file: path },
      cause,
    );
  } finally {
    file.destroy();
    stream.destroy();
  }
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
