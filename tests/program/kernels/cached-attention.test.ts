import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../../src/backend/tf.js';
import { float32, type HostTensor, int32, sizeOf } from '../../../src/core/host-tensor.js';
import { random } from '../../../src/core/random.js';
import { rounded, widened } from '../../../src/io/float.js';
import { biasOf, visible } from '../../../src/ops/attention.js';
import { cachedAttention } from '../../../src/ops/cached-attention.js';
import { ropeTables } from '../../../src/ops/rope.js';
import { compile } from '../../../src/program/compile.js';
import type { CompileOptions } from '../../../src/program/compile-options.js';
import type { ProgramSpec } from '../../../src/program/program.js';
import { nativeOnly, testBackend } from '../../helpers/backend.js';
import { gamma, UNIT } from '../../helpers/rounding.js';

beforeAll(async () => {
  await testBackend();
});

interface Sizes {
  readonly rows: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly slots: number;
  readonly size: number;
  readonly window?: number;
}

const specOf = ({ rows, heads, keyHeads, slots, size, window }: Sizes): ProgramSpec => {
  const table = { shape: [rows * keyHeads * slots, size], dtype: 'float32', role: 'cache' } as const;
  const projection = (n: number) => ({ shape: [rows, n * size], dtype: 'float32' }) as const;
  return {
    variables: { keys: table, values: table },
    entries: {
      attend: {
        inputs: {
          q: projection(heads),
          k: projection(keyHeads),
          v: projection(keyHeads),
          positions: { shape: [rows], dtype: 'int32' },
        },
        run({ keys, values }, { q, k, v, positions }) {
          const places = tf.reshape(positions!, [rows, 1]);
          const firsts = tf.reshape(tf.range(0, rows * keyHeads * slots, slots, 'int32'), [rows, keyHeads]);
          const distance = tf.sub(tf.cast(places, 'float32'), tf.range(0, slots, 1));
          const made = cachedAttention(
            { q: q!, k: k!, v: v! },
            { keys: keys!, values: values! },
            ropeTables(
              places,
              Array.from({ length: size / 2 }, (_, i) => 100 ** ((-2 * i) / size)),
            ),
            {
              positions: places,
              indices: tf.reshape(tf.add(firsts, places), [-1]),
              bias: tf.reshape(biasOf(visible(distance, window)), [rows, 1, 1, slots]),
              window,
            },
          );
          return { outputs: { attended: made.attended }, updates: { keys: made.keys, values: made.values } };
        },
      },
    },
  };
};

/** Numbers that bfloat16 has, so that it rounds only what is worked out. */
function numbers(shape: readonly number[], label: string): HostTensor<'float32'> {
  const { normal } = random(0, label);
  return widened(rounded(float32(shape, Float32Array.from({ length: sizeOf(shape) }, normal))));
}

function feedsOf({ rows, heads, keyHeads, slots, size }: Sizes) {
  const { integer } = random(0, 'positions');
  // The first and the last slot are among them.
  const positions = Int32Array.from({ length: rows }, (_, i) => (i === 0 ? slots - 1 : i === 1 ? 0 : integer(slots)));
  return {
    q: numbers([rows, heads * size], 'q'),
    k: numbers([rows, keyHeads * size], 'k'),
    v: numbers([rows, keyHeads * size], 'v'),
    positions: int32([rows], positions),
  };
}

const cacheOf = (sizes: Sizes) => {
  const { shape } = specOf(sizes).variables.keys!;
  return { keys: numbers(shape, 'keys'), values: numbers(shape, 'values') };
};

async function attend(sizes: Sizes, options: CompileOptions, feeds = feedsOf(sizes), cache = cacheOf(sizes)) {
  const program = await compile(specOf(sizes), options);
  try {
    program.write(Object.entries(cache));
    const { attended } = await program.run('attend', feeds, ['attended']);
    const after = await program.read(['keys', 'values']);
    return { attended: attended!.data, keys: after.get('keys')!.data, values: after.get('values')!.data };
  } finally {
    program.dispose();
  }
}

const kernel = (precision: CompileOptions['precision']): CompileOptions => ({
  mode: 'captured',
  precision,
  kernels: true,
});
const EAGER: CompileOptions = { mode: 'eager', precision: 'float32' };

/** The largest sum of absolute values that a score is made of, rotation included: |q_i k_j| of both halves. */
function largestScore({ heads, keyHeads, slots, size }: Sizes, q: ArrayLike<number>, keys: ArrayLike<number>): number {
  let largest = 0;
  const norm = (x: ArrayLike<number>, start: number) => {
    let squares = 0;
    for (let i = 0; i < size; i++) squares += x[start + i]! ** 2;
    return Math.sqrt(squares);
  };
  for (let n = 0; n * size < q.length; n++) {
    const row = Math.floor(n / heads);
    const keyHead = Math.floor(((n % heads) * keyHeads) / heads);
    for (let s = 0; s < slots; s++)
      largest = Math.max(largest, norm(q, n * size) * norm(keys, ((row * keyHeads + keyHead) * slots + s) * size));
  }
  // A rotated number is a sum of two, at most the square root of 2 times its pair's length.
  return (2 * largest) / Math.sqrt(size);
}

/**
 * What a result may be off by. An error d of the scores changes each probability by 2 d of itself at most, and the
 * results by that share of the largest value; the sums over head and slots, and the exponentials (2 units of the last
 * place), round float32; bfloat16 rounds the new key and the result.
 */
function bound(sizes: Sizes, precision: CompileOptions['precision'], q: ArrayLike<number>, keys: ArrayLike<number>) {
  const low = precision === 'bfloat16' ? UNIT.bfloat16 : 0;
  const score = (2 * gamma(sizes.size + 8) + low) * largestScore(sizes, q, keys);
  return 2 * score + 2 * gamma(sizes.slots + 8) + low;
}

const largestOf = (x: ArrayLike<number>): number =>
  Array.from(x).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

function expectWithin(actual: ArrayLike<number>, expected: ArrayLike<number>, most: number): void {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const off = Math.abs(actual[i]! - expected[i]!);
    if (!(off <= worst)) worst = off;
  }
  expect(worst).toBeLessThanOrEqual(most);
}

const SIZES: readonly Sizes[] = [
  { rows: 2, heads: 9, keyHeads: 3, slots: 48, size: 64 },
  { rows: 1, heads: 1, keyHeads: 1, slots: 1, size: 2 },
  { rows: 33, heads: 4, keyHeads: 4, slots: 5, size: 8 },
  { rows: 3, heads: 8, keyHeads: 1, slots: 37, size: 80 },
  { rows: 2, heads: 5, keyHeads: 1, slots: 130, size: 128, window: 17 },
  { rows: 3, heads: 4, keyHeads: 2, slots: 33, size: 18, window: 1 },
  { rows: 2, heads: 4, keyHeads: 2, slots: 16, size: 256, window: 100 },
];
const each = SIZES.flatMap((sizes) => (['float32', 'bfloat16'] as const).map((precision) => ({ ...sizes, precision })));

for (const { precision, ...sizes } of each)
  nativeOnly(
    `${precision} ${JSON.stringify(sizes)}: the kernel gives and stores what its definition does`,
    async () => {
      const expected = await attend(sizes, EAGER);
      const actual = await attend(sizes, kernel(precision));
      const feeds = feedsOf(sizes);
      const most = bound(sizes, precision, feeds.q.data, expected.keys) * largestOf(expected.values);
      expectWithin(actual.attended, expected.attended, most);
      expect(actual.values).toEqual(expected.values);
      const before = cacheOf(sizes).keys.data;
      const changed = before.map((x, i) => (x === expected.keys[i] ? 0 : 1));
      expect(actual.keys.filter((_, i) => !changed[i])).toEqual(before.filter((_, i) => !changed[i]));
      const rounding = gamma(4) + (precision === 'bfloat16' ? UNIT.bfloat16 : 0);
      expectWithin(actual.keys, expected.keys, rounding * 2 * largestOf(feeds.k.data));
    },
  );

const [usual] = SIZES as [Sizes, ...Sizes[]];

describe('what is not a number', () => {
  const without = (feeds: ReturnType<typeof feedsOf>, value: number) => ({
    ...feeds,
    k: float32(feeds.k.shape, feeds.k.data.with(0, value)),
  });
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
    nativeOnly(`a key of ${value} reaches every query of its head, and no other`, async () => {
      const { heads, keyHeads, size, rows } = usual;
      const { attended } = await attend(usual, kernel('bfloat16'), without(feedsOf(usual), value));
      const own = (heads / keyHeads) * size;
      expect(attended.subarray(0, own).every(Number.isNaN)).toBe(true);
      expect(attended.subarray(own, rows * heads * size).every(Number.isFinite)).toBe(true);
    });

  nativeOnly('what slots after a row hold does not reach it', async () => {
    const { keyHeads, slots, size } = usual;
    const cache = cacheOf(usual);
    // The second row is at position 0.
    const start = (keyHeads * slots + 1) * size;
    const spoilt = (x: HostTensor<'float32'>) => float32(x.shape, x.data.slice().fill(Number.NaN, start, start + size));
    const spoiltCache = { keys: spoilt(cache.keys), values: spoilt(cache.values) };
    const expected = await attend(usual, kernel('float32'));
    expect((await attend(usual, kernel('float32'), feedsOf(usual), spoiltCache)).attended).toEqual(expected.attended);
  });
});

test('a position outside of the cache is refused', async ({ skip }) => {
  if ((await testBackend()).name !== 'tensorflow') skip();
  const feeds = { ...feedsOf(usual), positions: int32([2], [0, usual.slots]) };
  await expect(attend(usual, kernel('float32'), feeds)).rejects.toThrow('a position outside of the cache');
});
