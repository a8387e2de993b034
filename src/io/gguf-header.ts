import { dataError } from '../core/errors.js';
import { show, shownName } from '../core/shown.js';
import { BLOCK_TYPES, type BlockType, OTHER_TYPES } from './gguf-blocks.js';
import { type Cursor, countedText, cursorOver, LIMITS, limitedCount } from './gguf-cursor.js';
import type { RangedFile } from './ranged.js';

/** A value of the metadata; 64-bit numbers that do not fit a double come as bigint. */
export type GgufValue = string | number | bigint | boolean | readonly GgufValue[];

/** Where a tensor's bytes are, and in which form. */
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

const safe = (n: bigint): number | bigint => (Number.isSafeInteger(Number(n)) ? Number(n) : n);

const { prototype: read } = Buffer;
const ARRAY = 9;
const SCALARS: Readonly<Record<number, { bytes: number; read: (c: Cursor) => GgufValue }>> = {
  0: { bytes: 1, read: (c) => c.number(read.readUInt8, 1) },
  1: { bytes: 1, read: (c) => c.number(read.readInt8, 1) },
  2: { bytes: 2, read: (c) => c.number(read.readUInt16LE, 2) },
  3: { bytes: 2, read: (c) => c.number(read.readInt16LE, 2) },
  4: { bytes: 4, read: (c) => c.u32() },
  5: { bytes: 4, read: (c) => c.number(read.readInt32LE, 4) },
  6: { bytes: 4, read: (c) => c.number(read.readFloatLE, 4) },
  7: { bytes: 1, read: (c) => c.number(read.readUInt8, 1) !== 0 },
  8: { bytes: 8, read: (c) => countedText(c) },
  10: { bytes: 8, read: (c) => safe(c.number(read.readBigUInt64LE, 8)) },
  11: { bytes: 8, read: (c) => safe(c.number(read.readBigInt64LE, 8)) },
  12: { bytes: 8, read: (c) => c.number(read.readDoubleLE, 8) },
};

/** Lists of lists are read to this depth. */
const MAX_DEPTH = 4;

function value(c: Cursor, type: number, key: string, depth = 0): GgufValue {
  const broken = (what: string) =>
    dataError(`${c.file.path}: broken header: field ${shownName(key)} ${what}`, {
      file: c.file.path,
      field: shownName(key),
    });
  if (type === ARRAY) {
    if (depth === MAX_DEPTH) throw broken(`has lists nested deeper than ${MAX_DEPTH}`);
    const element = c.u32();
    const each = element === ARRAY ? 12 : SCALARS[element]?.bytes;
    if (each === undefined) throw broken(`is a list of unknown type ${element}`);
    const n = limitedCount(c, each, 'entries', `a list (${shownName(key)})`);
    const list: GgufValue[] = new Array(n);
    for (let i = 0; i < n; i++) list[i] = value(c, element, key, depth + 1);
    return list;
  }
  const scalar = SCALARS[type];
  if (!scalar) throw broken(`has unknown type ${type}`);
  return scalar.read(c);
}

/**
 * Reads and checks the header of a GGUF file of version 2 or 3, little-endian; see the format's
 * description in ggml's docs. What it counts is checked against the file's size and against
 * {@link LIMITS} before memory is taken for it; tensors lie inside the file and not over each
 * other.
 */
export function readGgufHeader(file: RangedFile): GgufHeader {
  const c = cursorOver(file);
  const start = c.text(Math.min(4, file.bytes), false)!;
  if (start !== 'GGUF')
    throw dataError(`${file.path}: not a GGUF file: expected it to begin with GGUF, found ${show(start)}`, {
      file: file.path,
    });
  const version = c.u32();
  if (version !== 2 && version !== 3) {
    const what = version >= 1 << 16 ? 'big-endian' : `version ${version}`;
    throw dataError(`${file.path}: expected a little-endian GGUF file of version 2 or 3, found ${what}`, {
      file: file.path,
    });
  }
  const tensorCount = limitedCount(c, 24, 'tensors', 'a tensor count');
  const keyCount = limitedCount(c, 13, 'fields', 'a field count');
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < keyCount; i++) {
    const key = countedText(c, 'a field');
    if (metadata.has(key))
      throw dataError(`${file.path}: broken header: field ${shownName(key)} occurs twice`, {
        file: file.path,
        field: shownName(key),
      });
    metadata.set(key, value(c, c.u32(), key));
  }
  return { metadata, tensors: readTensors(c, tensorCount, alignmentOf(metadata, file.path)) };
}

/** Most bytes that tensors are aligned to: 1 MiB. */
const MAX_ALIGNMENT = 1 << 20;

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>, file: string): number {
  const alignment = metadata.get('general.alignment') ?? 32;
  const powers = Array.from({ length: Math.log2(MAX_ALIGNMENT) + 1 }, (_, i) => 2 ** i);
  if (!powers.includes(alignment as number))
    throw dataError(
      `${file}: field general.alignment: expected a power of two up to ${MAX_ALIGNMENT}, found ${show(alignment)}`,
      { file, field: 'general.alignment' },
    );
  return alignment as number;
}

function readTensors(c: Cursor, tensorCount: number, alignment: number): Map<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>();
  const file = c.file.path;
  for (let i = 0; i < tensorCount; i++) {
    const [name, tensor] = readTensorInfo(c);
    const fields = { file, tensor: shownName(name) };
    if (tensors.has(name)) throw dataError(`${file}: broken header: tensor ${fields.tensor} occurs twice`, fields);
    if (tensor.offset % alignment !== 0)
      throw dataError(
        `${file}: tensor ${fields.tensor}: offset ${tensor.offset} is not a multiple of ${alignment}`,
        fields,
      );
    tensors.set(name, tensor);
  }
  const start = Math.ceil(c.at() / alignment) * alignment;
  for (const [name, t] of tensors) tensors.set(name, { ...t, offset: start + t.offset });
  checkLayout(tensors, c.file, start);
  return tensors;
}

/** Gaps between tensors are let pass, since they are padded; a place that two of them claim is not. */
function checkLayout(tensors: ReadonlyMap<string, GgufTensor>, { path, bytes }: RangedFile, start: number): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes);
  const whole = inOrder.reduce((n, [, t]) => Math.max(n, t.offset + t.bytes), start);
  let end = start;
  let previous = '';
  for (const [name, t] of inOrder) {
    const fields = { file: path, tensor: shownName(name) };
    if (t.offset < end)
      throw dataError(
        `${path}: tensor ${fields.tensor}: overlaps ${previous} (begins at byte ${t.offset}, expected ${end} or more)`,
        fields,
      );
    end = t.offset + t.bytes;
    previous = fields.tensor;
    if (end > bytes)
      throw dataError(
        `${path}: tensor ${previous} is cut off: expected ${whole} bytes, file has ${bytes}; copy or download it again`,
        { ...fields, expected: whole, actual: bytes },
      );
  }
}

function readTensorInfo(c: Cursor): [name: string, tensor: GgufTensor] {
  const file = c.file.path;
  const name = countedText(c, 'a tensor');
  const broken = (what: string) =>
    dataError(`${file}: tensor ${shownName(name)}: ${what}`, { file, tensor: shownName(name) });
  const dimensions = c.u32();
  if (dimensions > 4) throw broken(`expected at most 4 dimensions, found ${dimensions}`);
  const shape = Array.from({ length: dimensions }, () => c.u64()).reverse();
  const id = c.u32();
  const offset = c.u64();
  const type = BLOCK_TYPES.get(id);
  if (!type) {
    const known = [...BLOCK_TYPES.values()].map((t) => t.name).join(', ');
    throw broken(
      `its type ${OTHER_TYPES[id] ?? id} is not read; expected one of ${known}: take another file of this model`,
    );
  }
  // Checked at every step: a zero later does not make up for a product that is no longer exact.
  let elements = 1;
  for (const size of shape) elements = Number.isSafeInteger(elements * size) ? elements * size : Number.NaN;
  if (!Number.isSafeInteger(elements) || !shape.every(Number.isSafeInteger) || !Number.isSafeInteger(offset))
    throw broken(`impossible size [${shape.join(', ')}] at ${offset}`);
  if ((shape.at(-1) ?? 1) % type.size !== 0)
    throw broken(`rows of ${shape.at(-1)} do not divide into ${type.name} blocks of ${type.size}`);
  return [name, { type, shape, file, offset, bytes: (elements / type.size) * type.bytes }];
}
