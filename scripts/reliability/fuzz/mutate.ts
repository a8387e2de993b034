import type { Random } from '../../../src/core/random.js';
import type { Mutation, Seed } from './parser.js';

/** One of a list. */
export const pick = <T>(items: readonly T[], random: Random): T => items[random.integer(items.length)]!;

/** Longest file that is made, in bytes. */
const MAX_BYTES = 4 << 20;

/** Whole numbers at the edges of what 8, 16, 32, 53 and 64 bits hold. */
export const EDGES: readonly bigint[] = [8n, 16n, 31n, 32n, 53n, 63n, 64n]
  .flatMap((bits) => [2n ** bits - 1n, 2n ** bits, 2n ** bits + 1n])
  .concat([0n, 1n, 2n, 3n, 255n, 1000n, 1_000_000n, 100_000_000n, 2n ** 40n, 2n ** 62n]);

const joined = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

/** A random part of a file, at most `most` bytes. */
function partOf(bytes: Uint8Array, random: Random, most = 256): [from: number, to: number] {
  const from = random.integer(bytes.length + 1);
  return [from, Math.min(bytes.length, from + 1 + random.integer(most))];
}

const noise = (length: number, random: Random) => Uint8Array.from({ length }, () => random.integer(256));

const flip: Mutation = (bytes, random) => {
  const out = bytes.slice();
  for (let n = 1 + random.integer(8); n > 0 && out.length > 0; n--)
    out[random.integer(out.length)]! ^= 1 << random.integer(8);
  return out;
};

const overwrite: Mutation = (bytes, random) => {
  const out = bytes.slice();
  const [from, to] = partOf(out, random, 16);
  out.set(
    random.integer(2) ? noise(to - from, random) : new Uint8Array(to - from).fill(pick([0, 0x7f, 0xff], random)),
    from,
  );
  return out;
};

/** A little-endian number of 1, 2, 4 or 8 bytes at any place. */
const overwriteNumber: Mutation = (bytes, random) => {
  const width = pick([1, 2, 4, 8], random);
  if (bytes.length < width) return bytes.slice();
  const out = bytes.slice();
  const number = BigInt.asUintN(8 * width, pick(EDGES, random));
  const at = random.integer(out.length - width + 1);
  for (let i = 0; i < width; i++) out[at + i] = Number((number >> BigInt(8 * i)) & 0xffn);
  return out;
};

const cutEnd: Mutation = (bytes, random) => bytes.slice(0, random.integer(bytes.length + 1));

const cutPart: Mutation = (bytes, random) => {
  const [from, to] = partOf(bytes, random);
  return joined(bytes.subarray(0, from), bytes.subarray(to));
};

const duplicate: Mutation = (bytes, random) => {
  const [from, to] = partOf(bytes, random);
  const times = 1 + random.integer(random.integer(8) === 0 ? 400 : 3);
  return joined(
    bytes.subarray(0, to),
    ...Array.from({ length: times }, () => bytes.subarray(from, to)),
    bytes.subarray(to),
  );
};

const insert: Mutation = (bytes, random) => {
  const at = random.integer(bytes.length + 1);
  return joined(bytes.subarray(0, at), noise(1 + random.integer(64), random), bytes.subarray(at));
};

const grow: Mutation = (bytes, random) =>
  joined(bytes, new Uint8Array(2 ** random.integer(18)).fill(random.integer(256)));

const splice: Mutation = (bytes, random, others) => {
  const other = pick(others, random);
  const [from, to] = partOf(other, random, 4096);
  const [start, end] = partOf(bytes, random, 4096);
  return joined(bytes.subarray(0, start), other.subarray(from, to), bytes.subarray(end));
};

/** Mutations of any file: flip, overwrite, cut, duplicate, insert, grow and splice. */
export const BYTE_MUTATIONS: readonly Mutation[] = [
  flip,
  overwrite,
  overwriteNumber,
  cutEnd,
  cutPart,
  duplicate,
  insert,
  grow,
  splice,
];

/** A file made of a seed by one or more mutations, of which about two in three know the format. */
export function mutated(
  seed: Seed,
  seeds: readonly Seed[],
  mutations: readonly Mutation[],
  random: Random,
): Uint8Array {
  const others = seeds.map((s) => s.bytes);
  let { bytes } = seed;
  do {
    const known = mutations.length > 0 && random.integer(3) > 0;
    bytes = pick(known ? mutations : BYTE_MUTATIONS, random)(bytes, random, others);
  } while (random.integer(3) === 0 && bytes.length < MAX_BYTES);
  return bytes.slice(0, MAX_BYTES);
}
