import { beforeAll, expect, test } from 'vitest';
import * as tf from '../../src/backend/tf.js';
import { gate, gated, isApplied } from '../../src/optim/gate.js';
import { testBackend } from '../helpers/backend.js';

beforeAll(async () => {
  await testBackend();
});

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
/** Neighbours in float32, and a number between them that float32 does not have. */
const [below, above] = [Math.fround(2.1), Math.fround(2.1) + 2 ** -22];
const between = (below + above) / 2;
/** Loss, norm and limit, and whether the step is good. */
const TABLE: readonly (readonly [loss: number, gradNorm: number, lossLimit: number, good: boolean])[] = [
  [2, 1, inf, true],
  [0, 0, 0, true],
  [2, 1, 2, true],
  [2, 1, 1.99, false],
  [below, 1, above, true],
  [above, 1, below, false],
  // Both are rounded to float32 before they are compared.
  [between, 1, below, true],
  [below + 1e-9, 1, below, true],
  [nan, 1, inf, false],
  [2, nan, inf, false],
  [inf, 1, inf, false],
  [-inf, 1, inf, false],
  [2, inf, inf, false],
  [3.4028234663852886e38, 1, inf, true],
  [2, 3.4028234663852886e38, inf, true],
  // Finite in float64, not in float32.
  [1e39, 1, inf, false],
  [2, 1, nan, false],
];

test.each(TABLE)(
  'loss %f, norm %f, limit %f: applied %s, on the host as on the device',
  (loss, gradNorm, lossLimit, good) => {
    expect(isApplied({ loss, gradNorm, lossLimit })).toBe(good);
    const told = tf.tidy(() => {
      const open = gate({ loss: tf.scalar(loss), gradNorm: tf.scalar(gradNorm), lossLimit: tf.scalar(lossLimit) });
      return open.dataSync()[0];
    });
    expect(Boolean(told)).toBe(good);
  },
);

test('a closed gate lets nothing of the new values through, an open one all of them, to the bit', () => {
  const now = { a: tf.tensor1d([1, -0, 3e-39, inf]), b: tf.tensor1d([7, 8]) };
  const next = { a: tf.tensor1d([nan, 5, -inf, nan]), b: tf.tensor1d([-0, nan]) };
  for (const open of [true, false]) {
    const made = gated(tf.scalar(open, 'bool'), now, next);
    for (const name of ['a', 'b'] as const)
      expect(Buffer.from(made[name]!.dataSync().buffer)).toEqual(
        Buffer.from((open ? next : now)[name].dataSync().buffer),
      );
  }
});
