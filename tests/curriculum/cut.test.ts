import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut as cutTyped } from '../../src/curriculum/cut.js';
import type { StagingPlan } from '../../src/curriculum/staging-options.js';
import { planOf } from './rows.js';

/** The cut of plain lists. */
function cut(scores: readonly number[], plan: StagingPlan, tokens: readonly number[] = scores.map(() => 1)) {
  const { stageOf, cuts } = cutTyped(Float64Array.from(scores), tokens, plan);
  return { stageOf: [...stageOf], cuts };
}

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

describe('ties kept together', () => {
  const together = (plan: Partial<StagingPlan>) => planOf({ ties: 'together', ...plan });

  it('cut by rows beside the tie, at the side nearer to equal', () => {
    expect(cut([1, 2, 2, 2, 3, 4], together({ stages: 2 }))).toEqual({
      stageOf: [0, 0, 0, 0, 1, 1],
      cuts: [{ score: 3, tiedBelow: 0, tiedAbove: 1 }],
    });
    expect(cut([0, 1, 2, 2, 2, 2, 3], together({ stages: 2 })).stageOf).toEqual([0, 0, 1, 1, 1, 1, 1]);
  });

  it('cut by tokens beside the tie', () => {
    expect(cut([1, 1, 2, 3], together({ by: 'tokens', stages: 2 }), [1, 5, 5, 5]).stageOf).toEqual([0, 0, 1, 1]);
  });

  it.each(['rows', 'tokens', 'jenks', 'length'] as const)('by %s need as many different scores as stages', (by) => {
    expect(() => cut([1, 1, 2, 2, 2], together({ by, minShare: 0.1 }))).toThrow(
      expect.objectContaining({ code: 'data', message: expect.stringContaining('only 2 different values; 3 stages') }),
    );
  });
});

describe('cut by jenks', () => {
  it('finds the gaps, however many rows lie between them', () => {
    const scores = [1, 1.1, 1.2, 1.1, 1, 1, 1, 3, 3.1, 9, 9.2, 9.1];
    const { stageOf, cuts } = cut(scores, planOf({ by: 'jenks' }));
    expect(stageOf).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2]);
    expect(cuts.map(({ score }) => score)).toEqual([3, 9]);
  });
});

describe('cut by length', () => {
  it('cuts where stages are alike in length, not where rows are equal', () => {
    // Two bands of each length: only the cut behind the fourth row leaves both sides short and long alike.
    const { stageOf } = cut(
      [1, 2, 3, 4, 5, 6],
      planOf({ by: 'length', stages: 2, minShare: 0.2 }),
      [9, 9, 90, 90, 9, 90],
    );
    expect(stageOf).toEqual([0, 0, 0, 0, 1, 1]);
  });

  it('says what to do where no cut gives every stage its share', () => {
    expect(() => cut([1, 1, 1, 1, 1, 2, 3], planOf({ by: 'length', minShare: 0.25 }))).toThrow(
      expect.objectContaining({ code: 'data', message: expect.stringContaining('lower `minShare`') }),
    );
  });
});

describe('for any scores, lengths and way', () => {
  it('every row is in one stage, stages rise, cuts rise, ties that are kept together are, equal input gives an equal cut', () => {
    const way = fc.constantFrom('rows', 'tokens', 'jenks', 'length', 'thresholds');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 4, max: 20 }), fc.integer({ min: 1, max: 500 })), {
          minLength: 30,
          maxLength: 90,
        }),
        way,
        fc.integer({ min: 2, max: 4 }),
        fc.constantFrom('split', 'together'),
        fc.integer({ min: 0, max: 9 }),
        (rows, by, stages, ties, seed) => {
          const scores = rows.map(([score]) => score / 4);
          const tokens = rows.map(([, length]) => length);
          fc.pre(new Set(scores).size >= stages);
          const plan = planOf({
            by,
            stages,
            ties,
            seed,
            ...(by === 'thresholds' && { thresholds: [1.75, 3, 4].slice(0, stages - 1) }),
            ...(by === 'length' && { minShare: 0 }),
          });
          const found = cut(scores, plan, tokens);
          expect(cut(scores, plan, tokens)).toEqual(found);
          expect(found.stageOf).toHaveLength(rows.length);
          expect(found.cuts).toHaveLength(stages - 1);
          const borders = found.cuts.map(({ score }) => score);
          expect(borders).toEqual([...borders].sort((x, y) => x - y));
          for (const [i, score] of scores.entries()) {
            const stage = found.stageOf[i]!;
            // A row of just the score of a cut may be on either side where ties are split.
            const least = borders.filter((border) => score > border).length;
            const most = borders.filter((border) => score >= border).length;
            expect(stage).toBeGreaterThanOrEqual(least);
            expect(stage).toBeLessThanOrEqual(most);
            if (ties === 'together' || (by !== 'rows' && by !== 'tokens')) expect(stage).toBe(most);
          }
          if (by !== 'thresholds') expect(new Set(found.stageOf).size).toBe(stages);
        },
      ),
      { seed: 4, numRuns: 120 },
    );
  });
});
