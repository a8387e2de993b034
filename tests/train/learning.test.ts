import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MicroBatch } from '../../src/data/micro-batch.js';
import type { Tuner } from '../../src/train/tuner.js';
import { disturbedRuns, expectNear } from '../helpers/disturbed.js';
import { onePerLine } from '../helpers/micro-batch.js';
import { countingRow, tinyTuner } from '../helpers/tiny-run.js';

const LORA = { rank: 16, alpha: 32 };

let tuner: Tuner;
beforeAll(async () => {
  tuner = await tinyTuner({ lora: LORA });
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
  const whole = [onePerLine(rows, 24)];
  await tuner.step(whole, inputs);
  const start = await tuner.read('adapter');
  const stepOf = async (on: Tuner, batches: readonly MicroBatch[]) => {
    on.write('adapter', start);
    on.reset('optimizer', 4);
    const { loss, gradNorm } = await on.step(batches, inputs);
    const state = [...(await on.read('optimizer'))].map(([name, { data }]) => [name, data as Float32Array] as const);
    return new Map<string, ArrayLike<number>>([['loss', [loss]], ['norm', [gradNorm]], ...state]);
  };
  const parts = [onePerLine(rows.slice(0, 1), 24), onePerLine(rows.slice(1, 3), 12), onePerLine(rows.slice(3), 8)];
  const [expected, actual] = [await stepOf(tuner, whole), await stepOf(tuner, parts)];
  const draws = await disturbedRuns(async (seed) => {
    const on = await tinyTuner({ lora: LORA, disturbed: seed });
    const result = await stepOf(on, whole);
    on.dispose();
    return result;
  });
  for (const [name, value] of expected) {
    const seen = draws.map((draw) => draw.get(name)!);
    expectNear(actual.get(name)!, value, seen, name);
  }
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
