import { dataError } from '../core/errors.js';
import { type Packing, packingOf, readChunks } from './chunks.js';
import { foreignRows, HEAD_BYTES } from './file-kinds.js';
import { type FileRow, MAX_ROW_BYTES } from './file-row.js';
import { readHead } from './files.js';
import { lineRows, listRows, objectRows } from './json-rows.js';
import { isSpace, objectsOrLines } from './json-split.js';
import { parquetRows } from './parquet-rows.js';
import { tableRows } from './table-rows.js';

const [OPEN_LIST, OPEN_OBJECT] = [91, 123];

/**
 * Rows of a file of any kind that is read, recognised by its first bytes and not by its name: JSON
 * Lines, a JSON array, JSON objects over several lines, a table with a line of names (CSV, TSV),
 * Parquet; text plain or packed with gzip or zstd, in UTF-8 or, with a byte order mark, UTF-16.
 * Read as a stream, row by row, so that a file may be longer than memory. Data errors: a file of
 * another kind, with how to convert it, and what leaves no way to find the next row, such as one
 * over `maxRowBytes`; what is wrong with one row is that row's `error`.
 */
export async function* readRows(path: string, { maxRowBytes = MAX_ROW_BYTES } = {}): AsyncGenerator<FileRow> {
  const packing = packingOf(await readHead(path, 4));
  const bytes = readChunks(path);
  try {
    const [head, all] = await lookAhead(bytes, (held) => held.length >= HEAD_BYTES);
    if (isParquet(head)) {
      if (packing) throw packedParquet(path, packing);
      yield* parquetRows(path);
      return;
    }
    const wide = wideEncoding(head);
    if (!wide) {
      const foreign = foreignRows(path, head, packing);
      if (foreign) throw foreign;
    }
    yield* textRows(path, wide ? asUtf8(path, all, wide) : withoutMark(all), maxRowBytes);
  } finally {
    await bytes.return(undefined);
  }
}

async function* textRows(path: string, bytes: AsyncIterable<Buffer>, limit: number): AsyncGenerator<FileRow> {
  const [head, all] = await lookAhead(bytes, (held) => held.length > limit || firstOf(held) >= 0);
  const first = head[firstOf(head)];
  if (first === undefined) {
    if (head.length > limit)
      throw dataError(`${path}: expected rows, found ${limit} bytes of white space`, { file: path });
    return;
  }
  if (first === OPEN_LIST) return yield* listRows(path, all, limit);
  if (first !== OPEN_OBJECT) return yield* tableRows(path, all, limit);
  const written = (held: Uint8Array) => objectsOrLines(held.subarray(firstOf(held)));
  const [start, again] = await lookAhead(all, (held) => held.length > limit || written(held) !== undefined);
  yield* written(start) === 'objects' ? objectRows(path, again, limit) : lineRows(path, again, limit);
}

const BOM = [0xef, 0xbb, 0xbf];

/** UTF-8 without the byte order mark at its beginning. */
async function* withoutMark(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const [head, all] = await lookAhead(bytes, (held) => held.length >= BOM.length);
  let skip = BOM.every((byte, i) => head[i] === byte) ? BOM.length : 0;
  for await (const chunk of all) {
    yield skip > 0 ? chunk.subarray(skip) : chunk;
    skip = 0;
  }
}

/** Index of the first byte that is not white space; -1 where there is none. */
const firstOf = (head: Uint8Array): number => head.findIndex((byte) => !isSpace(byte));

/** What a stream begins with, up to where it is `enough` or ends, and the whole stream again. */
async function lookAhead(
  chunks: AsyncIterable<Buffer>,
  enough: (held: Buffer) => boolean,
): Promise<[head: Buffer, all: AsyncIterable<Buffer>]> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (!enough(head)) {
    const { value, done } = await iterator.next();
    if (done) break;
    head = head.length === 0 ? value : Buffer.concat([head, value]);
  }
  const all = async function* () {
    if (head.length > 0) yield head;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  };
  return [head, all()];
}

/** The encoding that a byte order mark of two bytes gives; that of UTF-32 begins with the same two. */
function wideEncoding(head: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return head[2] === 0 && head[3] === 0 ? undefined : 'utf-16le';
  return head[0] === 0xfe && head[1] === 0xff ? 'utf-16be' : undefined;
}

async function* asUtf8(path: string, chunks: AsyncIterable<Buffer>, encoding: string): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const decode = (bytes?: Uint8Array) => {
    try {
      return Buffer.from(bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode());
    } catch (cause) {
      throw dataError(
        `${path}: expected ${encoding.toUpperCase()} text, as its byte order mark says, found bytes that are not; save it as UTF-8`,
        { file: path },
        cause,
      );
    }
  };
  for await (const chunk of chunks) yield decode(chunk);
  yield decode();
}

/** A table whose first name is PAR1 has neither the mark of a page's first field after it nor zero bytes. */
const isParquet = (head: Uint8Array) =>
  Buffer.from(head.subarray(0, 4)).toString('latin1') === 'PAR1' && (head[4] === 0x15 || head.includes(0));

const packedParquet = (path: string, packing: Packing) =>
  dataError(
    `${path}: it is compressed with ${packing}, and inside it a Parquet file, which is compressed itself; decompress it: ${packing === 'gzip' ? 'gunzip -k' : 'unzstd'} ${path}`,
    { file: path },
  );
