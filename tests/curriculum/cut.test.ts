import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut } from '../../src/curriculum/cut.js';
import { planOf } from './rows.js';

describe('cut by thresholds', () => {
  const plan = planOf({ by: 'thresholds', thresholds: [3.5, 4.5] });

  it('puts a row that reaches a threshold above it', () => {
    expect(cut([1, 3.49, 3.5, 4.4999, 4.5, 5, -2], plan).stageOf).toEqual([0, 0, 1, 1, 2, 2, 0]);
  });

  it('leaves a stage empty where no score falls in', () => {
    expect(cut([1, 5], plan)).toEqual({
      stageOf: [0, 2],
      cuts: [
        { score: 3.5, tiedBelow: 0, tiedAbove: 0 },
        { score: 4.5, tiedBelow: 0, tiedAbove: 0 },
      ],
    });
  });
});

describe('cut by rows', () => {
  it('gives equal parts in order of the scores, whatever the order of the rows', () => {
    const { stageOf, cuts } = cut([6, 1, 5, 2, 4, 3], planOf());
    expect(stageOf).toEqual([2, 0, 2, 0, 1, 1]);
    expect(cuts).toEqual([
      { score: 3, tiedBelow: 0, tiedAbove: 1 },
      { score: 5, tiedBelow: 0, tiedAbove: 1 },
    ]);
  });

  it('splits ties at a border by the seed and counts them', () => {
    const scores = [1, 2, 2, 2, 2, 3];
    const results = [0, 1, 2, 3, 4, 5].map((seed) => cut(scores, planOf({ stages: 2, seed })));
    for (const { stageOf, cuts } of results) {
      expect(stageOf.filter((stage) => stage === 0)).toHaveLength(3);
      expect([stageOf[0], stageOf[5]]).toEqual([0, 1]);
      expect(cuts).toEqual([{ score: 2, tiedBelow: 2, tiedAbove: 2 }]);
    }
    expect(new Set(results.map(({ stageOf }) => stageOf.join())).size).toBeGreaterThan(1);
    expect(cut(scores, planOf({ stages: 2, seed: 3 }))).toEqual(results[3]);
  });

  it('for any scores: sizes differ by at most one and no row lies below a row of a lower stage', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1, max: 5, noNaN: true }), { minLength: 6, maxLength: 60 }),
        fc.integer({ min: 2, max: 6 }),
        fc.integer({ min: 0, max: 99 }),
        (scores, stages, seed) => {
          const { stageOf } = cut(scores, planOf({ stages, seed }));
          const sizes = Array.from({ length: stages }, (_, s) => stageOf.filter((stage) => stage === s).length);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
          for (let s = 1; s < stages; s++) {
            const below = scores.filter((_, i) => stageOf[i] === s - 1);
            const above = scores.filter((_, i) => stageOf[i] === s);
            expect(Math.max(...below)).toBeLessThanOrEqual(Math.min(...above));
          }
        },
      ),
      { seed: 1, numRuns: 200 },
    );
  });
});

describe('cut by tokens', () => {
  const plan = planOf({ by: 'tokens', stages: 2 });

  it('cuts where the sums come nearest to equal', () => {
    expect(cut([1, 2, 3, 4, 5], plan, [10, 10, 10, 10, 40]).stageOf).toEqual([0, 0, 0, 0, 1]);
    expect(cut([1, 2, 3, 4], planOf({ by: 'tokens', stages: 3 }), [30, 15, 15, 30]).stageOf).toEqual([0, 1, 1, 2]);
  });

  it('leaves no stage empty when one row is longer than a share', () => {
    expect(cut([1, 2, 3], planOf({ by: 'tokens', stages: 3 }), [1, 1, 100]).stageOf).toEqual([0, 1, 2]);
    expect(cut([1, 2, 3], planOf({ by: 'tokens', stages: 3 }), [100, 1, 1]).stageOf).toEqual([0, 1, 2]);
  });

  it('needs a length for each row', () => {
    expect(() => cut([1, 2, 3], plan, [1, 2])).toThrow('expected 3 lengths, got 2');
  });

  it('for any lengths: each border is at most half a row from its equal share, where no stage would be empty', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 60, maxLength: 120 }), (lengths) => {
        const { stageOf } = cut(
          lengths.map((_, i) => i),
          planOf({ by: 'tokens' }),
          lengths,
        );
        const total = lengths.reduce((sum, n) => sum + n, 0);
        for (const stage of [1, 2]) {
          const below = lengths.filter((_, i) => stageOf[i]! < stage).reduce((sum, n) => sum + n, 0);
          expect(Math.abs(below - (total * stage) / 3)).toBeLessThanOrEqual(4.5);
        }
      }),
      { seed: 2, numRuns: 100 },
    );
  });
});
