import { expect, test } from 'vitest';
import { heldOutCurve, trainingCurve } from '../../src/report/study/curves.js';
import type { HeldOutPoint } from '../../src/train/run-history.js';

const run = (trainedTokens: number[], loss: number[], heldOut: HeldOutPoint[] = []) => ({
  training: { trainedTokens, loss },
  heldOut,
});
const point = (stage: number, trainedTokens: number, all: number): HeldOutPoint => ({
  stage,
  step: 0,
  trainedTokens,
  time: '2026-01-01T00:00:00.000Z',
  all,
  losses: [],
  best: true,
});

test('a place of a training curve is the mean over runs of each mean over its tokens', () => {
  const [first, second] = trainingCurve(
    [run([10, 30, 60, 80], [4, 1, 2, 3]), run([20, 40, 60, 80], [2, 4, 1, 1])],
    0.95,
  );
  // First half: (10 * 4 + 20 * 1) / 30 = 2 and (2 + 4) / 2 = 3; second half: (30 * 2 + 20 * 3) / 50 = 2.4 and 1.
  expect(first).toMatchObject({ trainedTokens: 20, mean: 2.5 });
  expect(second!.mean).toBeCloseTo(1.7, 12);
  // Two values 1 apart: standard error 0.5, t for one degree of freedom 12.7062.
  expect(first!.high! - first!.mean).toBeCloseTo(0.5 * 12.706204736, 6);
  expect(first!.mean - first!.low!).toBeCloseTo(0.5 * 12.706204736, 6);
});

test('one run has no interval, and no run no curve', () => {
  expect(trainingCurve([run([10, 20], [1, 3])], 0.95)).toEqual([{ trainedTokens: 10, mean: 2, low: null, high: null }]);
  expect(trainingCurve([run([], [])], 0.95)).toEqual([]);
  expect(heldOutCurve([], 0.95)).toEqual([]);
});

test('a long run has at most 100 places', () => {
  const tokens = Array.from({ length: 5000 }, (_, i) => i + 1);
  const curve = trainingCurve([run(tokens, tokens), run(tokens, tokens)], 0.95);
  expect(curve).toHaveLength(100);
  // In each of a hundred equal parts the mean of 1 to 5000 is its middle.
  expect(curve[0]!.mean).toBeCloseTo(25.5, 9);
  expect(curve[99]!.mean).toBeCloseTo(4975.5, 9);
});

test('held-out losses count where all runs have them', () => {
  const curve = heldOutCurve(
    [run([], [], [point(0, 0, 3), point(1, 10, 2), point(1, 20, 1)]), run([], [], [point(0, 0, 3), point(1, 30, 4)])],
    0.95,
  );
  expect(curve.map(({ trainedTokens, mean }) => [trainedTokens, mean])).toEqual([
    [0, 3],
    [20, 3],
  ]);
});
