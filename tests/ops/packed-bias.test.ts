import { beforeAll, expect, test } from 'vitest';
import * as tf from '../../src/backend/tf.js';
import { packedBias } from '../../src/ops/attention.js';
import { testBackend } from '../helpers/backend.js';

beforeAll(async () => {
  await testBackend();
});

/** Which keys each query of a line sees, as text: a row a query. */
function seen(positions: number[][], window?: number): string[][] {
  const t = positions[0]!.length;
  const bias = tf.tidy(() => packedBias(tf.tensor2d(positions, [positions.length, t], 'int32'), window));
  expect(bias.shape).toEqual([positions.length, 1, t, t]);
  const values = bias.dataSync();
  bias.dispose();
  return positions.map((_, b) =>
    Array.from({ length: t }, (_, q) =>
      Array.from(values.subarray((b * t + q) * t, (b * t + q + 1) * t), (x) => (x === 0 ? '1' : '.')).join(''),
    ),
  );
}

test('a token sees its own text up to itself, padding sees only itself', () => {
  expect(
    seen([
      [0, 1, 2, 0, 1, 0],
      [0, 0, 1, 2, 3, 4],
    ]),
  ).toEqual([
    ['1.....', '11....', '111...', '...1..', '...11.', '.....1'],
    ['1.....', '.1....', '.11...', '.111..', '.1111.', '.11111'],
  ]);
});

test('a sliding window holds inside each text', () => {
  expect(seen([[0, 1, 2, 3, 0, 1, 2]], 2)[0]).toEqual([
    '1......',
    '11.....',
    '.11....',
    '..11...',
    '....1..',
    '....11.',
    '.....11',
  ]);
});
