import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/random.js';
import { crossedBootstrap } from '../../src/statistics/crossed-bootstrap.js';
import { interquartileMean, taskMean } from '../../src/statistics/interquartile-mean.js';
import {
  leastDifferenceT,
  leastMarginT,
  seedsForDifference,
  seedsForEquivalence,
  tostPower,
  tPower,
} from '../../src/statistics/t-power.js';
import { twoWay } from '../../src/statistics/two-way.js';
import { wilsonInterval } from '../../src/statistics/wilson.js';

type Row = readonly number[];

/** Written by scripts/reference/study_statistics.py with SciPy and statsmodels. */
const reference = JSON.parse(
  readFileSync(new URL('../fixtures/statistics/study.json', import.meta.url), 'utf8'),
) as Record<
  'power' | 'tostPower' | 'least' | 'leastMargin' | 'seeds' | 'seedsEquivalence' | 'wilson',
  [number, number, number, number, number][]
> & {
  twoWay: { table: Row[]; arms: number; blocks: number; rest: number; shares: Row; pairing: number }[];
  interquartileMean: [Row, number][];
};

/** Equal up to a share of the number expected. */
const near = (found: number, expected: number, share: number, what: string) =>
  expect(Math.abs(found - expected), `${what}: ${found} for ${expected}`).toBeLessThanOrEqual(
    share * Math.abs(expected),
  );

describe('power of t tests', () => {
  it('equals the reference within a millionth', () => {
    for (const [n, difference, sd, alpha, power] of reference.power)
      near(tPower({ n, difference, sd, alpha }), power, 1e-6, `${n} ${difference} ${sd} ${alpha}`);
    for (const [n, margin, difference, sd, alpha, power] of reference.tostPower as unknown as [
      ...(typeof reference.power)[number],
      number,
    ][])
      expect(
        Math.abs(tostPower({ n, margin, difference, sd, alpha }) - power),
        `${n} ${margin} ${difference}`,
      ).toBeLessThan(1e-6);
  });

  it('inverts to the least difference and the fewest seeds', () => {
    for (const [n, alpha, least] of reference.least)
      near(leastDifferenceT({ n, sd: 2, alpha }), 2 * least, 1e-6, `least ${n} ${alpha}`);
    for (const [n, alpha, least] of reference.leastMargin)
      near(leastMarginT({ n, sd: 0.5, alpha }), 0.5 * least, 1e-6, `margin ${n}`);
    for (const [difference, alpha, seeds] of reference.seeds)
      expect(seedsForDifference({ difference, sd: 1, alpha }), `${difference} ${alpha}`).toBe(seeds);
    for (const [margin, seeds] of reference.seedsEquivalence)
      expect(seedsForEquivalence({ margin, sd: 1 }), `${margin}`).toBe(seeds);
  });

  it('has the ends: no pairs, no variance, no difference; and refuses what makes no sense', () => {
    expect(tPower({ n: 1, difference: 1, sd: 1 })).toBe(0);
    expect(tostPower({ n: 1, margin: 1, sd: 1 })).toBe(0);
    expect(leastDifferenceT({ n: 1, sd: 1 })).toBe(Infinity);
    expect([leastDifferenceT({ n: 5, sd: 0 }), leastMarginT({ n: 5, sd: 0 })]).toEqual([0, 0]);
    expect(seedsForDifference({ difference: 0, sd: 1 })).toBe(Infinity);
    expect(seedsForDifference({ difference: 1, sd: 0 })).toBe(2);
    expect(seedsForDifference({ difference: 1e-6, sd: 1 })).toBe(Infinity);
    near(tPower({ n: 7, difference: 0, sd: 1 }), 0.05, 1e-9, 'no difference');
    for (const sd of [0, -1, Number.NaN]) expect(() => tPower({ n: 5, difference: 1, sd })).toThrow(RangeError);
    for (const alpha of [0, 1, Number.NaN])
      expect(() => tPower({ n: 5, difference: 1, sd: 1, alpha })).toThrow(RangeError);
    for (const power of [0, 1]) expect(() => leastDifferenceT({ n: 5, sd: 1, power })).toThrow(RangeError);
    for (const margin of [0, -1]) expect(() => tostPower({ n: 5, margin, sd: 1 })).toThrow(RangeError);
    expect(() => seedsForDifference({ difference: 1, sd: Number.NaN })).toThrow(RangeError);
  });
});

describe('wilsonInterval', () => {
  it("equals statsmodels' interval, halves too", () => {
    for (const [k, n, level, low, high] of reference.wilson) {
      const [foundLow, foundHigh] = wilsonInterval(k, n, level);
      // Their ends have the rounding of a difference.
      expect(Math.abs(foundLow - low), `low ${k} of ${n}`).toBeLessThan(1e-15);
      near(foundHigh, high, 1e-10, `high ${k} of ${n}`);
      if (low > 1e-3) near(foundLow, low, 1e-10, `low ${k} of ${n}`);
    }
  });

  it('knows nothing of no trials, and refuses more successes than trials', () => {
    expect(wilsonInterval(0, 0)).toEqual([0, 1]);
    for (const [k, n] of [
      [3, 2],
      [-1, 2],
      [Number.NaN, 2],
    ] as const)
      expect(() => wilsonInterval(k, n)).toThrow(RangeError);
  });
});

describe('twoWay', () => {
  it("equals statsmodels' analysis of variance", () => {
    for (const { table, arms, blocks, rest, shares, pairing } of reference.twoWay) {
      const found = twoWay(table);
      near(found.meanSquares.arms, arms, 1e-10, 'arms');
      near(found.meanSquares.blocks, blocks, 1e-10, 'blocks');
      near(found.meanSquares.rest, rest, 1e-10, 'rest');
      near(found.pairing, pairing, 1e-10, 'pairing');
      for (const [i, name] of (['arms', 'blocks', 'rest'] as const).entries())
        near(found.shares[name], shares[i]!, 1e-10, `share of ${name}`);
    }
  });

  it('has no variance where nothing varies, and refuses half a table', () => {
    const still = twoWay([
      [0.1, 0.1],
      [0.1, 0.1],
      [0.1, 0.1],
    ]);
    expect(still).toMatchObject({ shares: { arms: 0, blocks: 0, rest: 0 }, pairing: 0 });
    for (const table of [[], [[1, 2]], [[1], [2]], [[1, 2], [3]]]) expect(() => twoWay(table)).toThrow(RangeError);
  });
});

describe('crossedBootstrap', () => {
  const differences = Array.from({ length: 8 }, (_, run) => [1 + run / 8, 2, 3 - run / 8, 2]);

  it('is the weighted mean, and the same for the same seed', () => {
    const weights = [5, 10, 10, 15];
    const found = crossedBootstrap({ differences, weights }, { seed: 3 });
    expect(found.difference).toBeCloseTo(8 / 40, 12);
    expect(crossedBootstrap({ differences, weights }, { seed: 3 })).toEqual(found);
    expect(crossedBootstrap({ differences, weights }, { seed: 4 })).not.toEqual(found);
  });

  it('draws clusters whole and within their strata', () => {
    const data = { differences: [[1, 1, -1, -1]], weights: [1, 1, 1, 1] };
    // One cluster in each stratum: every draw has all rows.
    const still = { ...data, clusters: [0, 0, 1, 1], strata: [0, 0, 1, 1] };
    expect(crossedBootstrap(still, { seed: 0 })).toEqual({ difference: 0, low: 0, high: 0 });
    // Two clusters in one stratum: both can be the same one.
    expect(crossedBootstrap({ ...data, clusters: [0, 0, 1, 1] }, { seed: 0 })).toEqual({
      difference: 0,
      low: -1,
      high: 1,
    });
  });

  it('covers the truth at least as often as it says where both runs and rows vary', () => {
    const worlds = 200;
    let covered = 0;
    for (let world = 0; world < worlds; world++) {
      const { normal } = random(world, 'crossed');
      const rows = Array.from({ length: 60 }, () => 0.5 * normal());
      const runs = Array.from({ length: 8 }, () => 0.08 * normal());
      const table = runs.map((run) => rows.map((row) => run + row + 0.5 * normal()));
      const { low, high } = crossedBootstrap(
        { differences: table, weights: rows.map(() => 1) },
        { seed: world, resamples: 400 },
      );
      if (low <= 0 && 0 <= high) covered++;
    }
    // 95 % less four deviations of a binomial of 200 worlds.
    expect(covered / worlds).toBeGreaterThan(0.95 - 4 * Math.sqrt((0.95 * 0.05) / worlds));
  });

  it('refuses rows of different number, and nothing', () => {
    expect(() => crossedBootstrap({ differences: [], weights: [1] }, { seed: 0 })).toThrow(RangeError);
    expect(() => crossedBootstrap({ differences: [[1]], weights: [1, 1] }, { seed: 0 })).toThrow(RangeError);
    expect(() => crossedBootstrap({ differences: [[1]], weights: [1], clusters: [] }, { seed: 0 })).toThrow(RangeError);
  });
});

describe('interquartile mean', () => {
  it("equals SciPy's trimmed mean", () => {
    for (const [values, mean] of reference.interquartileMean) near(interquartileMean(values), mean, 1e-10, 'mean');
    expect(interquartileMean([])).toBeNaN();
  });

  it('has an interval over the runs of each task', () => {
    expect(taskMean([[2], [3], [4], [100]], { seed: 0 })).toEqual({ mean: 3.5, low: 3.5, high: 3.5 });
    const found = taskMean(
      [
        [1, 2],
        [1, 2],
        [1, 2],
      ],
      { seed: 0 },
    );
    expect(found).toEqual({ mean: 1.5, low: 1, high: 2 });
    for (const tasks of [[], [[1], []]]) expect(() => taskMean(tasks, { seed: 0 })).toThrow(RangeError);
  });
});
