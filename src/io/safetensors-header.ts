import { dataError, type PhasetuneError } from '../core/errors.js';
import { show, shownName } from '../core/shown.js';
import { scanJson } from './json.js';

/** Bytes of one element of each element type that a safetensors file may hold. */
export const DTYPE_BYTES = {
  F64: 8, I64: 8, U64: 8,
  F32: 4, I32: 4, U32: 4,
  F16: 2, BF16: 2, I16: 2, U16: 2,
  F8_E4M3: 1, F8_E5M2: 1, I8: 1, U8: 1, BOOL: 1,
} as const; // biome-ignore format: a table

/** Element type of a tensor in a safetensors file. */
export type SafetensorsDtype = keyof typeof DTYPE_BYTES;

/** Where a tensor's bytes are. */
export interface TensorInfo {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Path of the file that holds it. */
  readonly file: string;
  /** First byte, counted from the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Longest header that is read, in bytes: some 16,000 tensors, where the largest Llama has 1,138.
 * The format's own library reads 100 MB, but as a tree in memory that takes gigabytes.
 */
export const MAX_HEADER_BYTES = 2 << 20;

/** Most dimensions of a tensor. */
const MAX_RANK = 8;

/** A parsed header. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Parses and checks a header (the JSON after the eight length bytes) against the size of its file;
 * see the format's specification.
 */
export function parseHeader(json: Uint8Array, file: string, fileBytes: number): SafetensorsHeader {
  const text = decoded(json, file);
  const header = parseObject(text, file);
  const start = 8 + json.length;
  const tensors = new Map<string, TensorInfo>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') metadata = parseMetadata(entry, file);
    else tensors.set(name, parseEntry(name, entry, file, start));
  }
  const twice = scanJson(text).duplicateKey;
  if (twice !== undefined)
    throw dataError(`${file}: broken header: ${show(twice)} occurs twice`, { file, tensor: shownName(twice) });
  checkLayout(tensors, file, start, fileBytes);
  return { tensors, metadata };
}

const notJson = (file: string, cause: unknown) =>
  dataError(`${file}: not a safetensors file: its header is not valid UTF-8 JSON`, { file }, cause);

function decoded(json: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(json);
  } catch (cause) {
    throw notJson(file, cause);
  }
}

function parseObject(text: string, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw notJson(file, cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw dataError(`${file}: not a safetensors file: expected a JSON object as its header`, { file });
  return value as Record<string, unknown>;
}

function parseMetadata(value: unknown, file: string): Record<string, string> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const ok = isObject && !Object.hasOwn(value, '__proto__') && Object.values(value).every((v) => typeof v === 'string');
  if (!ok) throw dataError(`${file}: broken header: expected __metadata__ to map text to text`, { file });
  return { ...(value as Record<string, string>) };
}

const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;

function parseEntry(name: string, entry: unknown, file: string, start: number): TensorInfo {
  const broken = (what: string): PhasetuneError =>
    dataError(`${file}: tensor ${shownName(name)}: ${what}`, { file, tensor: shownName(name) });
  if (name === '__proto__') throw broken('a tensor may not have this name');
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype))
    throw broken(`expected dtype to be one of ${Object.keys(DTYPE_BYTES).join(', ')}, found ${show(dtype)}`);
  if (!Array.isArray(shape) || shape.length > MAX_RANK || !shape.every(isCount))
    throw broken(`expected shape to be a list of at most ${MAX_RANK} whole numbers, found ${show(shape)}`);
  const [begin, end, ...more] = Array.isArray(offsets) ? offsets : [];
  if (!isCount(begin) || !isCount(end) || more.length > 0 || begin > end)
    throw broken(`expected data_offsets to be [begin, end], found ${show(offsets)}`);
  const bytes = bytesOf(shape as number[], DTYPE_BYTES[dtype as SafetensorsDtype]);
  if (bytes !== end - begin)
    throw broken(
      `shape [${shape.join(', ')}] of ${dtype} needs ${bytes ?? 'more than 2^53'} bytes, data_offsets [${begin}, ${end}] hold ${end - begin}`,
    );
  return { dtype: dtype as SafetensorsDtype, shape, file, offset: start + begin, bytes };
}

/** Undefined where an intermediate count is no longer exact: a zero later does not make up for it. */
function bytesOf(shape: readonly number[], width: number): number | undefined {
  let bytes = width;
  for (const size of shape) {
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) return undefined;
  }
  return bytes;
}

function checkLayout(tensors: ReadonlyMap<string, TensorInfo>, file: string, start: number, fileBytes: number): void {
  const whole = endOf(tensors, start);
  let end = start;
  let previous = 'the header';
  for (const [name, t] of [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes)) {
    const fields = { file, tensor: shownName(name) };
    if (t.offset !== end) {
      const what = t.offset < end ? 'overlaps' : 'leaves a hole after';
      throw dataError(
        `${file}: tensor ${shownName(name)}: ${what} ${previous} (begins at byte ${t.offset}, expected ${end})`,
        fields,
      );
    }
    end = t.offset + t.bytes;
    previous = shownName(name);
    if (end > fileBytes)
      throw dataError(
        `${file}: tensor ${previous} is cut off: expected ${whole} bytes, file has ${fileBytes}; copy or download it again`,
        { ...fields, expected: whole, actual: fileBytes },
      );
  }
  if (end !== fileBytes)
    throw dataError(`${file}: expected ${end} bytes, file has ${fileBytes}; copy or download it again`, {
      file,
      expected: end,
      actual: fileBytes,
    });
}

const endOf = (tensors: ReadonlyMap<string, TensorInfo>, start: number) =>
  [...tensors.values()].reduce((end, t) => Math.max(end, t.offset + t.bytes), start);
