import { dataError, type PhasetuneError } from '../core/errors.js';
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

/** Where a tensor lies. */
export interface TensorInfo {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Path of the file that holds it. */
  readonly file: string;
  /** First byte, counted from the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

/** Longest header that is read, in bytes; the same limit as in the format's own library. */
export const MAX_HEADER_BYTES = 100_000_000;

/** A parsed header. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Parses and checks a header (the JSON after the eight length bytes) against the size of its file; see the format's specification. */
export function parseHeader(json: Uint8Array, file: string, fileBytes: number): SafetensorsHeader {
  const header = parseObject(json, file);
  const start = 8 + json.length;
  const tensors = new Map<string, TensorInfo>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') metadata = parseMetadata(entry, file);
    else tensors.set(name, parseEntry(name, entry, file, start));
  }
  checkLayout(tensors, file, start, fileBytes);
  return { tensors, metadata };
}

function parseObject(json: Uint8Array, file: string): Record<string, unknown> {
  let value: unknown;
  let text = '';
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(json);
    value = JSON.parse(text);
  } catch (cause) {
    throw dataError(`${file}: not a safetensors file: its header is not valid UTF-8 JSON`, { file }, cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw dataError(`${file}: not a safetensors file: expected a JSON object as its header`, { file });
  const twice = scanJson(text).duplicateKey;
  if (twice !== undefined)
    throw dataError(`${file}: broken header: ${JSON.stringify(twice)} occurs twice`, { file, tensor: twice });
  return value as Record<string, unknown>;
}

function parseMetadata(value: unknown, file: string): Record<string, string> {
  const ok = typeof value === 'object' && value !== null && Object.values(value).every((v) => typeof v === 'string');
  if (!ok) throw dataError(`${file}: broken header: expected __metadata__ to map text to text`, { file });
  return { ...(value as Record<string, string>) };
}

const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;

function parseEntry(name: string, entry: unknown, file: string, start: number): TensorInfo {
  const broken = (what: string): PhasetuneError =>
    dataError(`${file}: tensor ${name}: ${what}`, { file, tensor: name });
  if (name === '__proto__') throw broken('a tensor may not have this name');
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype))
    throw broken(`expected dtype to be one of ${Object.keys(DTYPE_BYTES).join(', ')}, found ${JSON.stringify(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isCount))
    throw broken(`expected shape to be a list of whole numbers, found ${JSON.stringify(shape)}`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount) || offsets[0] > offsets[1])
    throw broken(`expected data_offsets to be [begin, end], found ${JSON.stringify(offsets)}`);
  const bytes = (shape as number[]).reduce((n, d) => n * d, DTYPE_BYTES[dtype as SafetensorsDtype]);
  const [begin, end] = offsets as [number, number];
  if (!Number.isSafeInteger(bytes) || bytes !== end - begin)
    throw broken(
      `shape [${shape.join(', ')}] of ${dtype} needs ${bytes} bytes, data_offsets [${begin}, ${end}] hold ${end - begin}`,
    );
  return { dtype: dtype as SafetensorsDtype, shape, file, offset: start + begin, bytes };
}

function checkLayout(tensors: ReadonlyMap<string, TensorInfo>, file: string, start: number, fileBytes: number): void {
  let end = start;
  let previous = 'the header';
  for (const [name, t] of [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes)) {
    if (t.offset !== end) {
      const what = t.offset < end ? 'overlaps' : 'leaves a hole after';
      throw dataError(`${file}: tensor ${name}: ${what} ${previous} (begins at byte ${t.offset}, expected ${end})`, {
        file,
        tensor: name,
      });
    }
    end = t.offset + t.bytes;
    previous = name;
    if (end > fileBytes)
      throw dataError(
        `${file}: tensor ${name} is cut off: expected ${endOf(tensors)} bytes, file has ${fileBytes}; copy or download it again`,
        { file, tensor: name, expected: endOf(tensors), actual: fileBytes },
      );
  }
  if (end !== fileBytes)
    throw dataError(`${file}: expected ${end} bytes, file has ${fileBytes}; copy or download it again`, {
      file,
      expected: end,
      actual: fileBytes,
    });
}

const endOf = (tensors: ReadonlyMap<string, TensorInfo>) =>
  [...tensors.values()].reduce((end, t) => Math.max(end, t.offset + t.bytes), 0);
