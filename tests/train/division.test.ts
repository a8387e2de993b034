import { describe, expect, test } from 'vitest';
import { dividedMicroBatches, divisionOf } from '../../src/train/division.js';
import { tinyPlan } from '../helpers/tiny-run.js';

describe('parts of a batch', () => {
  test.each([
    [[0, 1], 1, 1, 2],
    [[0, 1], 1, 2, 1],
    [[0, 1], 3, 1, 4],
    [[0, 1, 2], 1, 2, 3],
    [[0, 1, 2, 3], 2, 2, 2],
    [[4], 3, 1, 3],
  ])('on devices %j from %i, with %i batches a step: %i', (devices, microBatches, accumulate, expected) => {
    expect(dividedMicroBatches({ devices, microBatches, accumulate })).toBe(expected);
  });

  test('stay where no device is named', () => {
    expect(dividedMicroBatches({ microBatches: 3, accumulate: 1 })).toBe(3);
  });
});

describe('a plan', () => {
  // Eight rows a stage, two a batch: two steps of two batches each.
  test('of full steps keeps all devices busy', () => {
    expect(divisionOf(tinyPlan(), [0, 1])).toEqual({ devices: [0, 1], microBatches: 2, each: 1, busy: 1 });
  });

  test('with a smaller step at the end of an epoch says what is waited for', () => {
    // Three batches of three rows at most: a step of two and one of one.
    const division = divisionOf(tinyPlan({ batchRows: 3 }), [0, 1]);
    expect(division).toEqual({ devices: [0, 1], microBatches: 2, each: 1, busy: 3 / 4 });
  });

  test('on one device is not divided', () => {
    expect(divisionOf(tinyPlan(), [3])).toBeUndefined();
    expect(divisionOf(tinyPlan())).toBeUndefined();
  });

  test('of single micro-batches is refused, with what would help', () => {
    expect(() => divisionOf(tinyPlan({ accumulate: 1 }), [0, 1])).toThrow(
      '`devices`: every step is a single micro-batch, which cannot be divided among several devices; raise `batchRows`, or raise `accumulate`',
    );
  });
});
