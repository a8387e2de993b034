import type { Random } from '../../../src/core/random.js';
import { EDGES, pick } from './mutate.js';
import { mutatedJson } from './mutate-json.js';
import type { Mutation } from './parser.js';

interface StoredTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

function withHeader(json: string, data: Uint8Array, length?: bigint): Uint8Array {
  const header = Buffer.from(json);
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt.asUintN(64, length ?? BigInt(header.length)));
  return new Uint8Array(Buffer.concat([start, header, data]));
}

/** A safetensors file, tensors in the order given. */
export function safetensorsFile(
  tensors: Readonly<Record<string, StoredTensor>>,
  metadata = { format: 'pt' },
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.length] };
    offset += data.length;
  }
  return withHeader(JSON.stringify(header), Buffer.concat(Object.values(tensors).map((t) => t.data)));
}

function parts(bytes: Uint8Array): { json: string; data: Uint8Array } | undefined {
  if (bytes.length < 8) return undefined;
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (8 + length > bytes.length) return undefined;
  return { json: Buffer.from(bytes.subarray(8, 8 + length)).toString('utf8'), data: bytes.subarray(8 + length) };
}

/** One or more edits of the header, with its length put right. */
const changeHeader: Mutation = (bytes, random) => {
  const found = parts(bytes);
  if (!found) return bytes;
  let { json } = found;
  do json = mutatedJson(json, random);
  while (random.integer(3) === 0);
  return withHeader(json, found.data);
};

const changeLength: Mutation = (bytes, random) => {
  const found = parts(bytes);
  if (!found) return bytes;
  const length = BigInt(Buffer.byteLength(found.json));
  const near = [
    length + 1n,
    length - 1n,
    length * 2n,
    BigInt(bytes.length),
    BigInt(bytes.length - 8),
    BigInt(bytes.length - 7),
    -1n,
  ];
  return withHeader(found.json, found.data, pick([...near, ...EDGES], random));
};

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: number[] }>;

/**
 * Changes that leave each field plausible by itself: places over each other, holes, sizes that only
 * together are too large.
 */
const changeLayout: Mutation = (bytes, random) => {
  const found = parts(bytes);
  if (!found) return bytes;
  try {
    const header = JSON.parse(found.json) as Header;
    const tensors = Object.keys(header).filter((name) => Array.isArray(header[name]?.data_offsets));
    const [a, b] = [header[pick(tensors, random)]!, header[pick(tensors, random)]!];
    pick(LAYOUTS, random)(a, b, random);
    return withHeader(JSON.stringify(header), found.data);
  } catch {
    return bytes;
  }
};

const LAYOUTS: readonly ((a: Header[string], b: Header[string], random: Random) => void)[] = [
  (a, b) => Object.assign(a, b),
  (a, b) => {
    a.data_offsets = [...b.data_offsets];
  },
  (a, _, random) => {
    const by = pick([1, -1, 4, 1000, 2 ** 32, 2 ** 53], random);
    a.data_offsets = a.data_offsets.map((n) => n + by);
  },
  (a, _, random) => {
    a.shape = pick(
      [[2 ** 32, 2 ** 32], [2 ** 53 - 1, 2 ** 53 - 1, 0], [2 ** 26, 2 ** 27, 2], Array(60).fill(1)],
      random,
    );
  },
  (a, _, random) => {
    const elements = pick([2 ** 20, 2 ** 31, 2 ** 40], random);
    Object.assign(a, {
      dtype: 'U8',
      shape: [elements],
      data_offsets: [a.data_offsets[0]!, a.data_offsets[0]! + elements],
    });
  },
  (a) => Object.assign(a, { shape: [0], data_offsets: [2 ** 53 - 1, 2 ** 53 - 1] }),
];

/** Mutations that know a safetensors file's header. */
export const SAFETENSORS_MUTATIONS: readonly Mutation[] = [changeHeader, changeHeader, changeLayout, changeLength];
