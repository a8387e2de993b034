import { expect, test } from 'vitest';
import { formatLossMatrix } from '../../src/train/forgetting.js';

test('a row a moment, a column a band, each with its difference against the base', () => {
  const matrix = {
    bands: [
      { stage: 1, rows: 12, tokens: 300 },
      { stage: 3, rows: 9, tokens: 100 },
    ],
    rows: [
      { after: 0, losses: [2, 10.5], all: 4.125 },
      { after: 1, losses: [1.5, 11.25], all: 3.9375 },
    ],
  };
  expect(formatLossMatrix(matrix)).toEqual([
    'held-out loss   stage 1          stage 3              all',
    'rows                 12                9               21',
    'base              2.000           10.500            4.125',
    'after stage 1     1.500 -0.500    11.250 +0.750     3.938 -0.188',
  ]);
});
