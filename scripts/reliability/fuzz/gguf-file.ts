import type { Random } from '../../../src/core/random.js';
import { EDGES, pick } from './mutate.js';
import type { Mutation } from './parser.js';

/** Numbers of the types of a field. */
const TYPES = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  flag: 7,
  text: 8,
  list: 9,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;

/** Bytes of each type that has a fixed size, by its number. */
const WIDTHS: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};

type Scalar = string | number | boolean;

/** Name, type and value of a field; with a list, `of` is the type of its entries. */
export type Field =
  | readonly [key: string, type: keyof typeof TYPES, value: Scalar]
  | readonly [key: string, of: keyof typeof TYPES, value: readonly Scalar[]];

interface GgufTensor {
  readonly name: string;
  /** Fastest first, as in the file. */
  readonly shape: readonly number[];
  readonly type: number;
  readonly data: Uint8Array;
}

function little(width: number, number: bigint): Uint8Array {
  return Uint8Array.from({ length: width }, (_, i) => Number((BigInt.asUintN(64, number) >> BigInt(8 * i)) & 0xffn));
}

const u32 = (n: number) => little(4, BigInt(n));
const u64 = (n: number) => little(8, BigInt(n));
const text = (value: string) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);

function scalar(type: keyof typeof TYPES, value: Scalar): Uint8Array {
  if (type === 'text') return text(value as string);
  if (type === 'f32') return new Uint8Array(Float32Array.of(value as number).buffer);
  if (type === 'f64') return new Uint8Array(Float64Array.of(value as number).buffer);
  return little(WIDTHS[TYPES[type]]!, BigInt(value));
}

/** A GGUF file of version 3, aligned to 32 bytes. */
export function ggufFile(fields: readonly Field[], tensors: readonly GgufTensor[]): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(fields.length)];
  for (const [key, type, value] of fields) {
    parts.push(text(key));
    if (typeof value !== 'object') parts.push(u32(TYPES[type]), scalar(type, value));
    else parts.push(u32(TYPES.list), u32(TYPES[type]), u64(value.length), ...value.map((entry) => scalar(type, entry)));
  }
  let offset = 0;
  for (const { name, shape, type, data } of tensors) {
    parts.push(text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset));
    offset += Math.ceil(data.length / 32) * 32;
  }
  const padded = (bytes: Uint8Array) => Buffer.concat([bytes, new Uint8Array((32 - (bytes.length % 32)) % 32)]);
  return new Uint8Array(Buffer.concat([padded(Buffer.concat(parts)), ...tensors.map((t) => padded(t.data))]));
}

/** A number in a header: where it lies, how wide it is, and whether so many bytes of text follow. */
interface Span {
  readonly at: number;
  readonly width: number;
  readonly text?: number;
}

/** The numbers of a header, lengths, counts, types and sizes, as far as it can be followed. */
function spansOf(bytes: Uint8Array): Span[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const spans: Span[] = [];
  let at = 4;
  const number = (width: 1 | 2 | 4 | 8): number => {
    spans.push({ at, width });
    at += width;
    return width === 8 ? Number(view.getBigUint64(at - 8, true)) : width === 4 ? view.getUint32(at - 4, true) : 0;
  };
  const skipText = () => {
    const length = number(8);
    spans[spans.length - 1] = { at: at - 8, width: 8, text: length };
    at += length;
  };
  const value = (type: number) => {
    if (type === TYPES.text) skipText();
    else if (type === TYPES.list) {
      const of = number(4);
      for (let n = number(8); n > 0 && spans.length < 2000; n--) value(of);
    } else number((WIDTHS[type] ?? 1) as 1 | 2 | 4 | 8);
  };
  try {
    number(4);
    const tensors = number(8);
    for (let n = number(8); n > 0 && spans.length < 2000; n--) {
      skipText();
      value(number(4));
    }
    for (let n = tensors; n > 0 && spans.length < 4000; n--) {
      skipText();
      for (let d = number(4); d > 0 && spans.length < 4000; d--) number(8);
      number(4);
      number(8);
    }
  } catch {
    // What could be followed is enough.
  }
  return spans.filter((span) => span.at + span.width <= bytes.length);
}

const changeNumber: Mutation = (bytes, random) => {
  const spans = spansOf(bytes);
  if (spans.length === 0) return bytes;
  const out = bytes.slice();
  const { at, width } = pick(spans, random);
  const old = BigInt(out[at]!);
  const values = [
    ...EDGES,
    -1n,
    -2n,
    old + 1n,
    old - 1n,
    old * 2n,
    BigInt(out.length),
    BigInt(out.length - at),
    BigInt(random.integer(40)),
  ];
  out.set(little(width, pick(values, random)), at);
  return out;
};

/** Another text of another length, with that length before it. */
const changeText: Mutation = (bytes, random) => {
  const texts = spansOf(bytes).filter((span) => span.text !== undefined);
  if (texts.length === 0) return bytes;
  const { at, text: length } = pick(texts, random);
  const other = pick(texts, random);
  const value = pick<() => Uint8Array>(
    [
      () => bytes.slice(other.at + 8, other.at + 8 + other.text!),
      () => Buffer.from(pick(['', '__proto__', '../../x', '\u0000', '\u202e', 'general.alignment', 'a\nb'], random)),
      () => new Uint8Array(pick([1, 300, 70_000, 2 << 20], random)).fill(97),
      () => Uint8Array.from({ length: 20 }, () => random.integer(256)),
      () => Buffer.from(nested(random)),
    ],
    random,
  )();
  return new Uint8Array(
    Buffer.concat([bytes.subarray(0, at), u64(value.length), value, bytes.subarray(at + 8 + length!)]),
  );
};

/** A chat template of the hostile kind, for where one is expected. */
const nested = (random: Random) => '{% for a in range(99999) %}'.repeat(1 + random.integer(500));

/** Two numbers of the same width change places. */
const swapNumbers: Mutation = (bytes, random) => {
  const spans = spansOf(bytes).filter((span) => span.width === 8);
  if (spans.length < 2) return bytes;
  const out = bytes.slice();
  const [a, b] = [pick(spans, random).at, pick(spans, random).at];
  out.set(bytes.subarray(b, b + 8), a);
  out.set(bytes.subarray(a, a + 8), b);
  return out;
};

/** Mutations that know where a GGUF header has its numbers and texts. */
export const GGUF_MUTATIONS: readonly Mutation[] = [changeNumber, changeNumber, changeText, swapNumbers];
