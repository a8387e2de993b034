import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/random.js';
import {
  binomialCdf,
  binomialInterval,
  logBinomial,
  logBinomialProbability,
  signTest,
} from '../../src/statistics/binomial.js';
import { fisherExact } from '../../src/statistics/fisher.js';
import { holm } from '../../src/statistics/holm.js';
import { normalCdf, normalQuantile } from '../../src/statistics/normal.js';
import { signFlip } from '../../src/statistics/sign-flip.js';

type Table = readonly [readonly [number, number], readonly [number, number]];

/** Written by scripts/reference/evaluation_statistics.py with SciPy and statsmodels. */
const reference = JSON.parse(readFileSync(new URL('../fixtures/statistics/tests.json', import.meta.url), 'utf8')) as {
  normalCdf: [number, number][];
  normalQuantile: [number, number][];
  sign: [number, number, number][];
  binomialCdf: [number, number, number, number][];
  interval: [number, number, number, number, number][];
  fisher: [Table, number][];
  holm: [number[], number[]][];
  flips: [number[], number][];
};

/** Equal up to a share of the number expected. */
const near = (found: number, expected: number, share: number, what: string) =>
  expect(Math.abs(found - expected), `${what}: ${found} for ${expected}`).toBeLessThanOrEqual(
    share * Math.abs(expected),
  );

describe('normal', () => {
  it("equals SciPy's probabilities and quantiles", () => {
    for (const [z, p] of reference.normalCdf) near(normalCdf(z), p, 1e-12, `cdf ${z}`);
    for (const [p, z] of reference.normalQuantile) near(normalQuantile(p), z, 1e-13, `quantile ${p}`);
  });

  it('has the ends of the line, and refuses what is not a probability', () => {
    expect([normalQuantile(0), normalQuantile(1), normalCdf(-Infinity), normalCdf(Infinity)]).toEqual([
      -Infinity,
      Infinity,
      0,
      1,
    ]);
    expect(normalCdf(Number.NaN)).toBeNaN();
    for (const p of [-0.1, 1.1, Number.NaN]) expect(() => normalQuantile(p)).toThrow(RangeError);
  });
});

describe('binomial', () => {
  it("equals SciPy's probabilities and intervals", () => {
    for (const [k, n, p, expected] of reference.binomialCdf)
      near(binomialCdf(k, n, p), expected, 1e-11, `${k} of ${n} at ${p}`);
    for (const [k, n, level, low, high] of reference.interval) {
      const [foundLow, foundHigh] = binomialInterval(k, n, level);
      near(foundLow, low, 1e-9, `low ${k} of ${n}`);
      near(foundHigh, high, 1e-9, `high ${k} of ${n}`);
    }
  });

  it('counts ways to choose', () => {
    near(Math.exp(logBinomial(50, 25)), 126410606437752, 1e-13, '50 over 25');
    expect(logBinomial(3, 4)).toBe(-Infinity);
    const total = Array.from({ length: 1001 }, (_, k) => Math.exp(logBinomialProbability(k, 1000, 0.3)));
    near(
      total.reduce((sum, p) => sum + p, 0),
      1,
      1e-13,
      'sum',
    );
    expect(() => logBinomial(2.5, 1)).toThrow(RangeError);
  });

  it('knows what cannot happen', () => {
    expect(binomialInterval(0, 0)).toEqual([0, 1]);
    expect([binomialCdf(-1, 4, 0.5), binomialCdf(4, 4, 0.5), binomialCdf(2, 4, 0), binomialCdf(2, 4, 1)]).toEqual([
      0, 1, 1, 0,
    ]);
    expect(() => binomialInterval(3, 2)).toThrow(RangeError);
  });

  it("has SciPy's sign test to 1e-12", () => {
    for (const [wins, losses, p] of reference.sign)
      expect(Math.abs(signTest(wins, losses) - p), `${wins} to ${losses}`).toBeLessThanOrEqual(1e-12);
    expect(() => signTest(-1, 2)).toThrow(RangeError);
  });
});

describe('Fisher and Holm', () => {
  it("equals SciPy's exact test", () => {
    for (const [table, p] of reference.fisher) near(fisherExact(table), p, 1e-10, JSON.stringify(table));
    expect(() =>
      fisherExact([
        [-1, 2],
        [3, 4],
      ]),
    ).toThrow(RangeError);
  });

  it('adjusts as statsmodels does, to 1e-12', () => {
    for (const [ps, expected] of reference.holm)
      for (const [i, p] of holm(ps).entries()) expect(Math.abs(p - expected[i]!)).toBeLessThanOrEqual(1e-12);
    expect(holm([])).toEqual([]);
  });

  it('leaves out a test that could not be made', () => {
    expect(holm([0.01, Number.NaN, 0.04])).toEqual([0.02, Number.NaN, 0.04]);
    expect(() => holm([0.5, 1.5])).toThrow(RangeError);
  });
});

describe('sign flips', () => {
  it('are enumerated below 17 differences', () => {
    for (const [differences, p] of reference.flips)
      expect(signFlip(differences, { seed: 0 }), JSON.stringify(differences)).toBe(p);
  });

  it('are drawn above, near the probability that is known', () => {
    // 12 of 17 decided rows: the sum is extreme where at most 5 or at least 12 are positive, as in the sign test.
    const differences = Array.from({ length: 17 }, (_, i) => (i < 12 ? 0.5 : -0.5));
    const p = signTest(12, 5);
    const error = Math.sqrt((p * (1 - p)) / 100_000);
    expect(Math.abs(signFlip(differences, { seed: 3 }) - p)).toBeLessThan(5 * error);
  });

  it('say nothing of ties, missing rows and nothing', () => {
    expect(signFlip([], { seed: 0 })).toBe(1);
    expect(signFlip([0, 0, 0], { seed: 0 })).toBe(1);
    const half = new Array<number>(16).fill(0.5);
    expect(signFlip([...half, 0, Number.NaN, 0, 0], { seed: 0 })).toBe(2 ** -15);
  });

  it('depend on the seed alone, and never give 0', () => {
    const { normal } = random(1, 'flips');
    const differences = Array.from({ length: 100 }, () => normal() + 0.2);
    expect(signFlip(differences, { seed: 5, flips: 2000 })).toBe(signFlip(differences, { seed: 5, flips: 2000 }));
    expect(signFlip(new Array<number>(90).fill(1), { seed: 0, flips: 999 })).toBe(0.001);
  });

  it('reject a true hypothesis as often as they say', () => {
    // 400 worlds of 40 rows without a difference at 5 %: at most 34 rejections except in one world of 1,000 (binomial).
    const { integer } = random(7, 'null');
    let rejected = 0;
    for (let world = 0; world < 400; world++) {
      const scores = Array.from({ length: 40 }, () => (integer(5) - 2) / 4);
      if (signFlip(scores, { seed: world, flips: 1000 }) <= 0.05) rejected++;
    }
    expect(1 - binomialCdf(34, 400, 0.05)).toBeLessThan(0.002);
    expect(rejected).toBeLessThanOrEqual(34);
  });
});
