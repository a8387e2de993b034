import { expect, test } from 'vitest';
import type { BatchShape } from '../../src/data/batch-shapes.js';
import { entryBatches, inputShapes } from '../../src/train/entry-shapes.js';
import { tinyPlan } from '../helpers/tiny-run.js';

const shape = (lines: number, length: number, targets = 32): BatchShape => ({ lines, length, targets });
const planOf = (...steps: BatchShape[][]) => ({
  stages: [{ batches: { steps: steps.map((shapes) => ({ microBatches: shapes.map((shape) => ({ shape })) })) } }],
});
const [a, b] = [shape(4, 64), shape(1, 96)];

test('steps of one batch are one entry, of several another, and a lone one among them goes their way', () => {
  expect(entryBatches(planOf([a], [b], [a]))).toEqual({ trainStep: [a, b], accumulate: [], evalLoss: [] });
  expect(entryBatches(planOf([a, a], [a, b], [b]))).toEqual({ trainStep: [], accumulate: [a, b], evalLoss: [] });
});

test('held-out rows have shapes of their own', () => {
  const plan = { ...planOf([a]), holdout: { batches: [b, b].map((shape) => ({ lines: [], shape })) } };
  expect(entryBatches(plan).evalLoss).toEqual([b]);
});

test('every batch of a plan has a shape that is told, and no other is', () => {
  const plan = tinyPlan({ batching: 'packed', epochs: 3, evalRows: 2, accumulate: 1 });
  const told = entryBatches(plan);
  const used = (batches: readonly { shape: BatchShape }[]) =>
    new Set(batches.map(({ shape }) => JSON.stringify(shape)));
  const steps = plan.stages.flatMap(({ batches }) => batches.steps.flatMap(({ microBatches }) => microBatches));
  expect(used(steps)).toEqual(new Set(told.trainStep.map((shape) => JSON.stringify(shape))));
  expect(used(plan.holdout!.batches)).toEqual(new Set(told.evalLoss.map((shape) => JSON.stringify(shape))));
});

test('inputs of all three entries', () => {
  const feeds = { ids: [1, 96], positions: [1, 96], sources: [32], labels: [32], weights: [32] };
  expect(inputShapes({ trainStep: [b], accumulate: [b], evalLoss: [b] })).toEqual({
    trainStep: [{ ...feeds, seed: [], learningRate: [], step: [], lossLimit: [] }],
    accumulate: [{ ...feeds, seed: [] }],
    evalLoss: [feeds],
  });
});
