import { dataError } from '../core/errors.js';
import { BLOCK_TYPES, type BlockType, OTHER_TYPES } from './gguf-blocks.js';
import type { RangedFile } from './ranged.js';

/** A value of the metadata; 64-bit numbers that do not fit a double come as bigint. */
export type GgufValue = string | number | bigint | boolean | readonly GgufValue[];

/** Where a tensor lies, and how. */
export interface GgufTensor {
  readonly type: BlockType;
  /** Row-major, slowest first, the reverse of the file's order: [rows, columns] for a matrix. */
  readonly shape: readonly number[];
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

/** A parsed header. */
export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

const WINDOW = 1 << 20;

/** A place in the file that moves on as values are read; knows how much file is left. */
interface Cursor {
  readonly file: RangedFile;
  /** The next `n` bytes, as a view into the window. */
  take(n: number): DataView;
  /** Bytes between here and the end of the file. */
  left(): number;
  at(): number;
}

function cursorOver(file: RangedFile): Cursor {
  let window = new Uint8Array(0);
  let start = 0;
  let position = 0;
  return {
    file,
    take(n) {
      if (position + n > file.bytes)
        throw dataError(
          `${file.path} is cut off in its header: expected at least ${position + n} bytes, file has ${file.bytes}; copy or download it again`,
          { file: file.path, expected: position + n, actual: file.bytes },
        );
      if (position + n > start + window.length) {
        window = new Uint8Array(Math.min(Math.max(n, WINDOW), file.bytes - position));
        start = position;
        file.readSync(start, window);
      }
      const view = new DataView(window.buffer, position - start, n);
      position += n;
      return view;
    },
    left: () => file.bytes - position,
    at: () => position,
  };
}

/** A count that something of at least `each` bytes follows for; a count that the file cannot hold is refused before memory is taken. */
function count(c: Cursor, each: number, what: string): number {
  const n = c.take(8).getBigUint64(0, true);
  if (n * BigInt(each) > BigInt(c.left()))
    throw dataError(
      `${c.file.path}: broken or cut-off header: ${what} of ${n} does not fit the ${c.left()} bytes that are left`,
      {
        file: c.file.path,
      },
    );
  return Number(n);
}

/** `ignoreBOM` keeps a leading U+FEFF, which is a token of its own in some vocabularies. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

const text = (c: Cursor): string => utf8.decode(c.take(count(c, 1, 'a text length')));

const safe = (n: bigint): number | bigint => (Number.isSafeInteger(Number(n)) ? Number(n) : n);

const ARRAY = 9;
const SCALARS: Readonly<Record<number, { bytes: number; read: (c: Cursor) => GgufValue }>> = {
  0: { bytes: 1, read: (c) => c.take(1).getUint8(0) },
  1: { bytes: 1, read: (c) => c.take(1).getInt8(0) },
  2: { bytes: 2, read: (c) => c.take(2).getUint16(0, true) },
  3: { bytes: 2, read: (c) => c.take(2).getInt16(0, true) },
  4: { bytes: 4, read: (c) => c.take(4).getUint32(0, true) },
  5: { bytes: 4, read: (c) => c.take(4).getInt32(0, true) },
  6: { bytes: 4, read: (c) => c.take(4).getFloat32(0, true) },
  7: { bytes: 1, read: (c) => c.take(1).getUint8(0) !== 0 },
  8: { bytes: 8, read: text },
  10: { bytes: 8, read: (c) => safe(c.take(8).getBigUint64(0, true)) },
  11: { bytes: 8, read: (c) => safe(c.take(8).getBigInt64(0, true)) },
  12: { bytes: 8, read: (c) => c.take(8).getFloat64(0, true) },
};

function value(c: Cursor, type: number, key: string, depth = 0): GgufValue {
  if (type === ARRAY && depth < 4) {
    const element = c.take(4).getUint32(0, true);
    const n = count(c, element === ARRAY ? 12 : (SCALARS[element]?.bytes ?? 1), `a list (${key})`);
    return Array.from({ length: n }, () => value(c, element, key, depth + 1));
  }
  const scalar = SCALARS[type];
  if (!scalar)
    throw dataError(`${c.file.path}: broken header: field ${key} has unknown type ${type}`, {
      file: c.file.path,
      field: key,
    });
  return scalar.read(c);
}

/** Reads and checks the header of a GGUF file of version 2 or 3, little-endian; see the format's description in ggml's docs. */
export function readGgufHeader(file: RangedFile): GgufHeader {
  const c = cursorOver(file);
  const magic = utf8.decode(c.take(Math.min(4, file.bytes)));
  if (magic !== 'GGUF')
    throw dataError(`${file.path}: not a GGUF file: expected it to begin with GGUF, found ${JSON.stringify(magic)}`, {
      file: file.path,
    });
  const version = c.take(4).getUint32(0, true);
  if (version !== 2 && version !== 3) {
    const what = version >= 1 << 16 ? 'big-endian' : `version ${version}`;
    throw dataError(`${file.path}: expected a little-endian GGUF file of version 2 or 3, found ${what}`, {
      file: file.path,
    });
  }
  const tensorCount = count(c, 24, 'a tensor count');
  const keyCount = count(c, 13, 'a field count');
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < keyCount; i++) {
    const key = text(c);
    if (metadata.has(key))
      throw dataError(`${file.path}: broken header: field ${key} occurs twice`, { file: file.path, field: key });
    metadata.set(key, value(c, c.take(4).getUint32(0, true), key));
  }
  return { metadata, tensors: readTensors(c, tensorCount, alignmentOf(metadata, file.path)) };
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>, file: string): number {
  const alignment = metadata.get('general.alignment') ?? 32;
  if (typeof alignment !== 'number' || alignment < 1 || !Number.isInteger(Math.log2(alignment)))
    throw dataError(`${file}: field general.alignment: expected a power of two, found ${alignment}`, {
      file,
      field: 'general.alignment',
    });
  return alignment;
}

function readTensors(c: Cursor, tensorCount: number, alignment: number): Map<string, GgufTensor> {
  const found: [name: string, tensor: GgufTensor][] = [];
  for (let i = 0; i < tensorCount; i++) found.push(readTensorInfo(c));
  const start = Math.ceil(c.at() / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  const end = found.reduce((n, [, t]) => Math.max(n, start + t.offset + t.bytes), start);
  for (const [name, t] of found) {
    const fields = { file: c.file.path, tensor: name, expected: end, actual: c.file.bytes };
    if (tensors.has(name)) throw dataError(`${c.file.path}: broken header: tensor ${name} occurs twice`, fields);
    if (t.offset % alignment !== 0)
      throw dataError(`${c.file.path}: tensor ${name}: offset ${t.offset} is not a multiple of ${alignment}`, fields);
    if (start + t.offset + t.bytes > c.file.bytes)
      throw dataError(
        `${c.file.path}: tensor ${name} is cut off: expected ${end} bytes, file has ${c.file.bytes}; copy or download it again`,
        fields,
      );
    tensors.set(name, { ...t, offset: start + t.offset });
  }
  return tensors;
}

function readTensorInfo(c: Cursor): [name: string, tensor: GgufTensor] {
  const file = c.file.path;
  const name = text(c);
  const broken = (what: string) => dataError(`${file}: tensor ${name}: ${what}`, { file, tensor: name });
  const dimensions = c.take(4).getUint32(0, true);
  if (dimensions > 4) throw broken(`expected at most 4 dimensions, found ${dimensions}`);
  const shape = Array.from({ length: dimensions }, () => Number(c.take(8).getBigUint64(0, true))).reverse();
  const id = c.take(4).getUint32(0, true);
  const offset = Number(c.take(8).getBigUint64(0, true));
  const type = BLOCK_TYPES.get(id);
  if (!type) {
    const known = [...BLOCK_TYPES.values()].map((t) => t.name).join(', ');
    throw broken(
      `its type ${OTHER_TYPES[id] ?? id} is not read; expected one of ${known}: take another file of this model`,
    );
  }
  const elements = shape.reduce((n, d) => n * d, 1);
  if (!Number.isSafeInteger(elements) || !Number.isSafeInteger(offset))
    throw broken(`impossible size [${shape.join(', ')}] at ${offset}`);
  if ((shape.at(-1) ?? 1) % type.size !== 0)
    throw broken(`rows of ${shape.at(-1)} do not divide into ${type.name} blocks of ${type.size}`);
  return [name, { type, shape, file, offset, bytes: (elements / type.size) * type.bytes }];
}
