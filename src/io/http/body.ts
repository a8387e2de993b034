import { isUtf8 } from 'node:buffer';
import { pipeline, type Readable } from 'node:stream';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';

/** What is wrong with an answer's body; the message is one clause. */
export class BodyFailure extends Error {
  constructor(
    message: string,
    /** Asking again may help. */
    readonly retry: boolean,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/** The beginning of an answer as far as its body is concerned. */
interface Body {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
}

/** How a body is unpacked, at once and piece by piece, by the name of its packing. */
const PACKINGS = {
  gzip: { all: promisify(zlib.gunzip), stream: zlib.createGunzip },
  deflate: { all: inflated, stream: zlib.createInflate },
  br: { all: promisify(zlib.brotliDecompress), stream: zlib.createBrotliDecompress },
};

/** The packings of an answer's body, the last applied first. Throws {@link BodyFailure} for one that is not known. */
function packingsOf({ headers }: Body): (typeof PACKINGS)[keyof typeof PACKINGS][] {
  const names = (headers['content-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim().replace(/^x-/, ''))
    .filter((name) => name !== '' && name !== 'identity');
  return names.reverse().map((name) => {
    if (Object.hasOwn(PACKINGS, name)) return PACKINGS[name as keyof typeof PACKINGS];
    throw new BodyFailure(`a body compressed as ${JSON.stringify(name)}; expected gzip, deflate, br or none`, false);
  });
}

/**
 * All of an answer's body, unpacked by its content-encoding. Throws {@link BodyFailure} where that
 * is not known, where the body does not unpack, and where it has more than `most` bytes, packed or
 * not.
 */
export async function readBody(answer: Body, most: number): Promise<Buffer> {
  const tooLong = (cause?: unknown) => new BodyFailure(`a body of more than ${most} bytes`, true, cause);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > most) throw tooLong();
    chunks.push(chunk);
  }
  let body: Buffer = Buffer.concat(chunks);
  if (body.length === 0) return body;
  for (const { all } of packingsOf(answer))
    body = await all(body, { maxOutputLength: most }).catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === 'ERR_BUFFER_TOO_LARGE' ? tooLong(cause) : notWhole(cause);
    });
  return body;
}

const notWhole = (cause: unknown) => new BodyFailure('a compressed body that does not decompress', true, cause);

/** Some servers leave out zlib's header, which the standard asks for. */
function inflated(body: Buffer, options: zlib.ZlibOptions): Promise<Buffer> {
  const unpack = promisify<Buffer, zlib.ZlibOptions, Buffer>((body[0]! & 0x0f) === 8 ? zlib.inflate : zlib.inflateRaw);
  return unpack(body, options);
}

/** An answer's body piece by piece, unpacked by its content-encoding; the reader ends it with `destroy`. */
export function unpackedBody(answer: Body): Readable {
  return packingsOf(answer).reduce<Readable>(
    (body, { stream }) =>
      pipeline(body, stream(), () => {
        // Errors go to the reader.
      }),
    answer.body,
  );
}

/** Ends an answer whose body, or the rest of it, is of no use. */
export const drop = ({ body }: { readonly body: Readable }): void => void body.on('error', () => {}).destroy();

/** Longest beginning that is looked at, in characters. */
const LOOKED_AT = 1000;

/** Bytes as UTF-8 text, without the mark that may be in front of it; undefined where they are no text. */
export function textOf(bytes: Buffer): string | undefined {
  const marked = bytes.toString('utf8');
  const text = marked.startsWith('\ufeff') ? marked.slice(1) : marked;
  if (isUtf8(bytes) && !bytes.includes(0)) return text;
  const beginning = text.slice(0, LOOKED_AT);
  // A text in another encoding has a few of these.
  const strange: readonly string[] = beginning.match(/\ufffd|[^\P{Cc}\s]/gu) ?? [];
  return strange.includes('\0') || strange.length > beginning.length / 5 ? undefined : text;
}
