import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/random.js';
import { binomialInterval } from '../../src/statistics/binomial.js';
import { consistency, drawnPosition, positionLogOdds } from '../../src/statistics/consistency.js';
import { kappa } from '../../src/statistics/kappa.js';
import { standardDeviation } from '../../src/statistics/moments.js';
import { leastDifference, leastMean, rowsNeeded } from '../../src/statistics/power.js';
import { nestedResamples, stratifiedResamples } from '../../src/statistics/resample.js';
import { winRateIntervals } from '../../src/statistics/win-rate.js';

const reference = JSON.parse(readFileSync(new URL('../fixtures/statistics/tests.json', import.meta.url), 'utf8')) as {
  kappa: [number[][], number][];
};

const zeros = (n: number) => new Int32Array(n);

/** Scores of rows with 30 % ties and a win rate in percent. */
function scoresOf(n: number, winRate: number, seed: number): number[] {
  const { uniform } = random(seed, 'scores');
  const win = winRate / 100 - 0.15;
  return Array.from({ length: n }, () => {
    const drawn = uniform();
    return drawn < win ? 1 : drawn < win + 0.3 ? 0.5 : 0;
  });
}

describe('resamples', () => {
  it('keep the number of rows of every stratum, and are the same from the same seed', () => {
    const strata = [2, 0, 0, 2, 2, 1, 0];
    const drawn = [...stratifiedResamples(strata, { resamples: 50, seed: 4 })].length;
    expect(drawn).toBe(50);
    const seen: string[] = [];
    for (const counts of stratifiedResamples(strata, { resamples: 50, seed: 4 })) {
      const per = [0, 0, 0];
      for (const [i, count] of counts.entries()) per[strata[i]!]! += count;
      expect(per).toEqual([3, 1, 3]);
      seen.push(counts.join());
    }
    const first = [...take(stratifiedResamples(strata, { resamples: 20, seed: 4 }))];
    expect(first).toEqual(seen.slice(0, 20));
    expect(new Set(seen).size).toBeGreaterThan(10);
  });

  it('draw the runs of each arm, and the same rows', () => {
    const rows = [...take(stratifiedResamples(zeros(5), { resamples: 30, seed: 1 }))];
    let i = 0;
    for (const drawn of nestedResamples(zeros(5), [1, 3], { resamples: 30, seed: 1 })) {
      expect(drawn.rows.join()).toBe(rows[i++]);
      expect([...drawn.runs[0]!]).toEqual([1]);
      expect(drawn.runs[1]!.reduce((sum, count) => sum + count, 0)).toBe(3);
    }
  });

  it('of no rows are empty', () => {
    expect([...take(stratifiedResamples([], { resamples: 2, seed: 0 }))]).toEqual(['', '']);
  });
});

function* take(drawn: Generator<Int32Array>): Generator<string> {
  for (const counts of drawn) yield counts.join();
}

describe('win rates', () => {
  it('are exactly 50 for equal answers, with any number of runs and missing rows', () => {
    const half = new Array<number>(37).fill(0.5);
    const gaps = half.map((score, i) => (i % 5 === 0 ? Number.NaN : score));
    for (const arm of winRateIntervals([[half], [half, half, half], [gaps, half]], zeros(37), {
      seed: 0,
      resamples: 500,
    }))
      expect([arm.winRate, arm.low, arm.high, arm.standardError]).toEqual([50, 50, 50, 0]);
  });

  it('leave missing rows out, and say what they could change', () => {
    const [arm] = winRateIntervals([[[1, 1, 0, Number.NaN, Number.NaN]]], zeros(5), { seed: 0 });
    expect(arm).toMatchObject({ n: 3, missing: 2, bounds: { low: 40, high: 80 } });
    expect(arm!.winRate).toBeCloseTo(200 / 3, 12);
  });

  it('have no number without rows, or where most resamples have none', () => {
    for (const run of [[], [Number.NaN, Number.NaN]]) {
      const [arm] = winRateIntervals([[run]], zeros(run.length), { seed: 0, resamples: 100 });
      expect([arm!.winRate, arm!.low, arm!.high, arm!.standardError, arm!.n]).toEqual([
        Number.NaN,
        Number.NaN,
        Number.NaN,
        Number.NaN,
        0,
      ]);
    }
    const [rare] = winRateIntervals([[[1, ...new Array<number>(9).fill(Number.NaN)]]], zeros(10), { seed: 0 });
    expect([rare!.winRate, rare!.low]).toEqual([100, Number.NaN]);
    expect(winRateIntervals([[[0.25]]], [0], { seed: 0 })[0]).toMatchObject({ winRate: 25, low: 25, high: 25, n: 1 });
  });

  it('share the draws: two arms with the same scores have the same interval', () => {
    const scores = scoresOf(60, 58, 1);
    const [a, b] = winRateIntervals([[scores], [scores]], zeros(60), { seed: 3, resamples: 1000 });
    expect(a).toEqual(b);
    const [mirror] = winRateIntervals([[scores.map((x) => 1 - x)]], zeros(60), { seed: 3, resamples: 1000 });
    expect(mirror!.low).toBeCloseTo(100 - a!.high, 9);
    expect(mirror!.high).toBeCloseTo(100 - a!.low, 9);
  });

  it('have a standard error as theory says, and one that counts runs', () => {
    const scores = scoresOf(400, 55, 2);
    const options = { seed: 0, resamples: 4000 };
    const [one, twice] = winRateIntervals([[scores], [scores, scores]], zeros(400), options);
    // The bootstrap's variance is that of the rows divided by n; over 4,000 resamples its error is 1.1 %, here 5 times.
    const theory = (100 * standardDeviation(scores) * Math.sqrt(399 / 400)) / 20;
    expect(Math.abs(one!.standardError / theory - 1)).toBeLessThan(0.056);
    expect(twice!.standardError).toBeCloseTo(one!.standardError, 9);
    const apart = scores.map((score) => Math.min(1, score + 0.3));
    const [runs] = winRateIntervals([[scores, apart]], zeros(400), options);
    expect(runs!.standardError).toBeGreaterThan(2 * one!.standardError);
  });

  it('do not mix strata', () => {
    // All variance is between the two sets, so a stratified resample never changes.
    const scores = [...new Array<number>(30).fill(1), ...new Array<number>(10).fill(0)];
    const strata = scores.map((score) => score);
    expect(winRateIntervals([[scores]], strata, { seed: 0 })[0]).toMatchObject({ winRate: 75, low: 75, high: 75 });
  });

  it('cover the truth as often as they say', () => {
    const worlds = 300;
    let covered = 0;
    for (let world = 0; world < worlds; world++) {
      const [arm] = winRateIntervals([[scoresOf(80, 55, world)]], zeros(80), { seed: world, resamples: 400 });
      if (arm!.low <= 55 && arm!.high >= 55) covered++;
    }
    // What a coverage of 95 % gives in all except one of 1,000 tries.
    const [low] = binomialInterval(Math.round(0.95 * worlds), worlds, 0.999);
    expect(covered / worlds).toBeGreaterThan(low);
    expect(covered).toBeLessThan(worlds);
  });

  it('refuse runs of other lengths', () => {
    expect(() => winRateIntervals([[[1, 0]]], zeros(3), { seed: 0 })).toThrow(RangeError);
    expect(() => winRateIntervals([[]], zeros(3), { seed: 0 })).toThrow(RangeError);
  });
});

describe('power', () => {
  // Ties; rows at 80 %, for three arms, at 90 %; least differences at 80, 200, 805 and 1,047 rows.
  const table = [
    [0, 777, 1036, 1040, 15.7, 9.9, 4.9, 4.3],
    [0.2, 620, 827, 830, 14.0, 8.9, 4.4, 3.9],
    [0.3, 542, 722, 725, 13.1, 8.3, 4.1, 3.6],
    [0.5, 385, 513, 515, 11.1, 7.0, 3.5, 3.1],
  ] as const;

  it.each(table)('at a share of ties of %d', (ties, at80, three, at90, ...least) => {
    const options = { winRate: 55, ties };
    expect(rowsNeeded(options)).toBe(at80);
    expect(rowsNeeded({ ...options, comparisons: 3 })).toBe(three);
    expect(rowsNeeded({ ...options, power: 0.9 })).toBe(at90);
    const found = [80, 200, 805, 1047].map((rows) => Number(leastDifference({ rows, ties }).toFixed(1)));
    expect(found).toEqual(least);
  });

  it('has an answer at the ends, and refuses what cannot be', () => {
    expect([rowsNeeded({ winRate: 50 }), leastDifference({ rows: 0 }), leastMean({ rows: 0, deviation: 1 })]).toEqual([
      Infinity,
      Infinity,
      Infinity,
    ]);
    expect(rowsNeeded({ winRate: 45 })).toBe(rowsNeeded({ winRate: 55 }));
    for (const wrong of [
      { winRate: 95 },
      { winRate: 55, ties: 1.2 },
      { winRate: 55, power: 1 },
      { winRate: 55, level: 0 },
    ])
      expect(() => rowsNeeded(wrong)).toThrow(RangeError);
    expect(() => rowsNeeded({ winRate: 55, comparisons: 0 })).toThrow(RangeError);
  });
});

describe('two orders', () => {
  it('of a judge that always says "first"', () => {
    expect(consistency([1, 1, 1, 1], [0, 0, 0, 0])).toMatchObject({ pairs: 4, consistent: 0, position: 50 });
  });

  it('of one that knows the better answer', () => {
    expect(consistency([1, 0, 0.5, 1], [1, 0, 0.5, 1])).toEqual({ pairs: 4, consistent: 1, kappa: 1, position: 0 });
  });

  it('leave out pairs of which one is missing, and need one', () => {
    const none = { pairs: 0, consistent: null, kappa: null, position: null };
    expect(consistency([], [])).toEqual(none);
    expect(consistency([1, Number.NaN], [Number.NaN, 0])).toEqual(none);
    expect(consistency([0.5, 0.5], [0.5, 0.5])).toMatchObject({ consistent: 1, kappa: null });
    expect(() => consistency([1], [])).toThrow(RangeError);
  });

  it('take probabilities by their winner', () => {
    expect(consistency([0.8, 0.3], [0.6, 0.7])).toMatchObject({ consistent: 0.5 });
    expect(consistency([0.8, 0.3], [0.6, 0.7]).position).toBeCloseTo(-5, 12);
  });

  it('give the position where only one was asked', () => {
    const { uniform } = random(5, 'drawn');
    const [first, second]: [number[], number[]] = [[], []];
    // The arm wins with 70 % when it is first, with 40 % when second: it is first chosen in 65 % of questions.
    for (let i = 0; i < 20_000; i++) {
      const drawn = uniform() < 0.5;
      first.push(drawn ? Number(uniform() < 0.7) : Number.NaN);
      second.push(drawn ? Number.NaN : Number(uniform() < 0.4));
    }
    // 5 standard errors of the mean of two shares of 10,000 each.
    expect(Math.abs(drawnPosition(first, second)! - 15)).toBeLessThan(1.7);
    expect(drawnPosition([1], [Number.NaN])).toBeNull();
  });

  it('give the position in log-odds', () => {
    expect(positionLogOdds([1.5, 0.5, 3], [-0.5, 0.5, Number.NaN])).toBe(0.5);
    expect(positionLogOdds([], [])).toBeNull();
  });

  it("have statsmodels' kappa", () => {
    for (const [table, expected] of reference.kappa) expect(kappa(table)).toBeCloseTo(expected, 12);
    expect(
      kappa([
        [0, 0],
        [0, 0],
      ]),
    ).toBeUndefined();
  });
});
