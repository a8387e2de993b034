import { type FileHandle, open } from 'node:fs/promises';
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import type { FileMetaData } from 'hyparquet';
import { dataError, PhasetuneError } from '../core/errors.js';
import type { FileRow } from './file-row.js';
import { fileError } from './files.js';

/** Longest group of rows that is read, in bytes unpacked: one group is in memory. */
const MAX_GROUP_BYTES = 1 << 30;

/**
 * Rows of a Parquet file, flat or nested, one group of rows after another. What JSON does not have
 * becomes what a JSON file would hold: integers over 2^53 the text of their digits, dates ISO 8601,
 * bytes base64, NaN and absent values null. Data errors: a broken or cut-off file, a packing that
 * is not known, a group of rows of more than 1 GiB.
 */
export async function* parquetRows(path: string): AsyncGenerator<FileRow> {
  const { parquetMetadataAsync, parquetReadObjects } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const handle = await open(path, 'r').catch((cause: unknown) => Promise.reject(fileError('read', path, cause)));
  const { file, during, close } = openParts(handle, path, (await handle.stat()).size);
  try {
    const unpackers = Object.fromEntries(
      Object.entries(compressors).map(([name, unpack]) => [name, unlessEmpty(unpack)]),
    );
    const metadata = await during(() => parquetMetadataAsync(file));
    checkSchema(metadata, path);
    let rows = 0;
    for (const { num_rows, total_byte_size } of metadata.row_groups) {
      const count = Number(num_rows);
      if (total_byte_size > MAX_GROUP_BYTES) throw longGroup(path, total_byte_size);
      const options = {
        file,
        metadata,
        compressors: unpackers,
        parsers,
        utf8: false,
        rowStart: rows,
        rowEnd: rows + count,
      };
      const group = await during(() => parquetReadObjects(options));
      if (group.length !== count) throw broken(path, new Error(`expected ${count} rows, found ${group.length}`));
      const bytes = Math.ceil(Number(total_byte_size) / count);
      for (const row of group) {
        rows++;
        yield { place: `${path}: row ${rows}`, value: plain(row), bytes };
      }
    }
  } finally {
    await close();
  }
}

/**
 * A page without values, such as one of a column that is null throughout, is packed into something
 * that not every unpacker takes.
 */
const unlessEmpty =
  (unpack: (input: Uint8Array, length: number) => Uint8Array) =>
  (input: Uint8Array, length: number): Uint8Array =>
    length === 0 ? new Uint8Array(0) : unpack(input, length);

/**
 * Reads parts of the file. The package begins reads that it does not wait for once another has
 * failed, so no read of a part ever rejects, which nobody would see to: the first failure is
 * `failed`, and after it nothing comes any more.
 */
function openParts(handle: FileHandle, path: string, size: number) {
  let closed = false;
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});
  const read = async (start: number, end: number = size): Promise<ArrayBuffer> => {
    const from = start < 0 ? size + start : start;
    if (!(from >= 0 && from <= end && end <= size)) throw broken(path, new Error('a part is beyond its end'));
    const bytes = new ArrayBuffer(end - from);
    const { bytesRead } = await handle.read(new Uint8Array(bytes), 0, end - from, from);
    if (bytesRead !== end - from) throw broken(path, new Error('its end is missing'));
    return bytes;
  };
  return {
    file: {
      byteLength: size,
      slice: (start: number, end?: number) =>
        new Promise<ArrayBuffer>((resolve) => {
          if (!closed) read(start, end).then((bytes) => (closed ? undefined : resolve(bytes)), fail);
        }),
    },
    /** The result of work on the file, or why it cannot be had. */
    async during<T>(work: () => Promise<T>): Promise<T> {
      process.on('unhandledRejection', letStraysGo);
      try {
        return await Promise.race([work(), failed]);
      } catch (cause) {
        closed = true;
        throw cause instanceof PhasetuneError ? cause : broken(path, cause as Error);
      } finally {
        // Reads that the package started and no longer waits for fail within this turn of the event loop.
        await setImmediate();
        process.off('unhandledRejection', letStraysGo);
      }
    },
    close() {
      closed = true;
      return handle.close();
    },
  };
}

/**
 * The package decodes the columns of a list together and waits for them one by one: when two are
 * broken, nobody waits for the second, which would end the process. The first is the error of the
 * whole. Any other rejection is thrown as Node.js would.
 */
function letStraysGo(reason: unknown): void {
  if (!(reason instanceof Error && reason.stack?.includes('/hyparquet/'))) throw reason;
}

const broken = (path: string, cause: Error) =>
  dataError(
    `${path}: broken, cut-off or unknown kind of Parquet file (${cause.message.split('\n')[0]}); fetch it again, or convert it in Python: pandas.read_parquet("${path}").to_json("rows.jsonl", orient="records", lines=True)`,
    { file: path },
    cause,
  );

const longGroup = (path: string, bytes: bigint) =>
  dataError(
    `${path}: a group of rows of ${bytes} bytes; at most ${MAX_GROUP_BYTES} are held in memory; write it in smaller ones: df.to_parquet("rows.parquet", row_group_size=10000)`,
    { file: path },
  );

function checkSchema({ schema }: FileMetaData, path: string): void {
  if (schema.some(({ name }) => name === '__proto__'))
    throw dataError(`${path}: the column "__proto__" is not allowed; rename or remove it`, { file: path });
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const text = (bytes: Uint8Array | undefined) => {
  try {
    return bytes && strict.decode(bytes);
  } catch (cause) {
    throw new Error('a text that is not UTF-8', { cause });
  }
};

/** Columns of text and of JSON as text; what a column of JSON holds is read where a row's field is. */
const parsers = { stringFromBytes: text, jsonFromBytes: text };

/** Bytes that are not said to be text: some programs write texts so. */
function bytesOrText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('base64');
  }
}

/** A value as JSON would hold it. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (value === undefined || value === null) return null;
  if (typeof value !== 'object') return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return bytesOrText(value);
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return Array.from(value as ArrayLike<unknown>, plain);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
