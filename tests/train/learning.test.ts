import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Tuner } from '../../src/train/tuner.js';
import { largestRelativeError } from '../helpers/compare.js';
import { onePerLine } from '../helpers/micro-batch.js';
import { countingRow, tinyTuner } from '../helpers/tiny-run.js';

let tuner: Tuner;
beforeAll(async () => {
  tuner = await tinyTuner({ lora: { rank: 16, alpha: 32 } });
});
afterAll(() => tuner.dispose());

/** Rows of very different lengths, so that a mean of means would show. */
const rows = [
  countingRow('a', 5, 1, 22),
  countingRow('b', 40, 2, 6),
  countingRow('c', 70, 3, 9),
  countingRow('d', 9, 1, 5),
];

const lossLimit = Number.POSITIVE_INFINITY;

const fresh = () => {
  tuner.reset('adapter', 4);
  tuner.reset('optimizer', 4);
};

test('accumulated batches give the gradients, loss and norm of one big batch', async () => {
  const inputs = { learningRate: 1e-2, step: 1, seed: 1, lossLimit };
  fresh();
  // One step first: with B all zero A has no gradient yet.
  await tuner.step([onePerLine(rows, 24)], inputs);
  const start = await tuner.read('adapter');
  tuner.reset('optimizer', 4);
  const whole = await tuner.step([onePerLine(rows, 24)], inputs);
  const expected = await tuner.read('optimizer');
  tuner.write('adapter', start);
  tuner.reset('optimizer', 4);
  const batches = [onePerLine(rows.slice(0, 1), 24), onePerLine(rows.slice(1, 3), 12), onePerLine(rows.slice(3), 8)];
  const parts = await tuner.step(batches, inputs);
  const actual = await tuner.read('optimizer');
  expect(Math.abs(parts.loss / whole.loss - 1)).toBeLessThan(1e-6);
  expect(Math.abs(parts.gradNorm / whole.gradNorm - 1)).toBeLessThan(1e-5);
  for (const [name, value] of expected) expect(largestRelativeError(actual.get(name)!, value)).toBeLessThan(1e-5);
});

test('one batch is learned by heart', async () => {
  fresh();
  const batch = onePerLine(rows, 24);
  const start = (await tuner.step([batch], { learningRate: 0, step: 1, seed: 1, lossLimit })).loss;
  for (let step = 1; step <= 40; step++)
    await tuner.step([batch], { learningRate: 1e-2 * Math.min(1, step / 10), step, seed: step, lossLimit });
  const sums = await tuner.evaluate(batch);
  const trained = rows.reduce((n, row) => n + row.trained, 0);
  expect(start).toBeGreaterThan(4);
  // Not zero: the head and the norm before it are frozen and bound the logits, which leaves 0.167.
  expect(sums.reduce((x, y) => x + y, 0) / trained).toBeLessThan(0.2);
});
