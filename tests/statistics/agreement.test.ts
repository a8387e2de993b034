import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BootstrapOptions, estimate, quantile, resamples } from '../../src/statistics/bootstrap.js';
import { pearson, spearman } from '../../src/statistics/correlation.js';
import { confusion, quadraticKappa } from '../../src/statistics/kappa.js';
import { countPairs, kendallTauB, orderAgreement, pairOrder } from '../../src/statistics/pairs.js';
import { averageRanks, rank } from '../../src/statistics/ranks.js';

interface Case {
  readonly name: string;
  readonly formula?: number;
  readonly x: number[];
  readonly y: number[];
  readonly a: number[];
  readonly b: number[];
  readonly pearson: number | null;
  readonly spearman: number | null;
  readonly kendall: number | null;
  readonly kappa: number | null;
  readonly ranks: number[] | null;
  readonly counts: Record<string, number>;
}

const reference = JSON.parse(readFileSync(new URL('../fixtures/statistics/cases.json', import.meta.url), 'utf8')) as {
  cases: Case[];
  bootstrap: Record<'pearson' | 'spearman' | 'kendall', [number, number]>;
  quantiles: { values: number[]; shares: number[]; found: number[] };
};

/** As `formula` of scripts/reference/agreement.py; i² * 31 stays under 2^53. */
function formula(n: number): { x: number[]; y: number[] } {
  const rows = Array.from({ length: n }, (_, i) => i);
  const x = rows.map((i) => (i * i * 31 + 7 * i) % 997);
  return { x, y: rows.map((i) => (x[i]! * 3 + ((i * i * 17) % 1009)) / 8) };
}

const near = (found: number | undefined, expected: number | null, what: string) => {
  if (expected === null) expect(found, what).toBeUndefined();
  else expect(Math.abs(found! - expected), `${what}: ${found} for ${expected}`).toBeLessThan(1e-9);
};

describe.each(reference.cases)('scores that are $name', (one) => {
  const { x, y } = one.formula ? formula(one.formula) : one;
  const [first, second] = [rank(x), rank(y)];
  const counts = countPairs(pairOrder(first, second));

  it("have SciPy's correlations", () => {
    near(pearson(first, second), one.pearson, 'pearson');
    near(spearman(first, second), one.spearman, 'spearman');
    near(kendallTauB(counts), one.kendall, 'kendall');
    if (one.ranks) expect([...first.group].map((group) => averageRanks(first)[group])).toEqual(one.ranks);
  });

  it('have their pairs counted as one by one', () => {
    expect(counts).toEqual(one.counts);
    const { untied, tied } = orderAgreement(counts);
    const { concordant, discordant, tiedBoth, pairs } = one.counts as Record<string, number>;
    const told = concordant! + discordant!;
    near(untied, told === 0 ? null : (100 * concordant!) / told, 'without ties');
    near(tied, (100 * (concordant! + tiedBoth!)) / pairs!, 'with ties');
  });

  it.skipIf(one.formula)("have scikit-learn's kappa", () => {
    near(quadraticKappa(confusion(one.a, one.b, 3)), one.kappa, 'kappa');
  });
});

const few = { minLength: 2, maxLength: 24 };
const rows = fc.array(
  fc.tuple(
    fc.integer({ min: -3, max: 3 }),
    fc.integer({ min: -1000, max: 1000 }).map((n) => n / 7),
    fc.integer({ min: 0, max: 3 }),
  ),
  few,
);

describe('rows that count several times', () => {
  it('come to what their copies come to', () => {
    fc.assert(
      fc.property(rows, (drawn) => {
        const copies = drawn.flatMap((row) => Array<typeof row>(row[2]).fill(row));
        const counts = Int32Array.from(drawn, ([, , count]) => count);
        const all = [rank(drawn.map(([a]) => a)), rank(drawn.map(([, b]) => b))] as const;
        const own = [rank(copies.map(([a]) => a)), rank(copies.map(([, b]) => b))] as const;
        const [weighted, expanded] = [countPairs(pairOrder(...all), counts), countPairs(pairOrder(...own))];
        expect(weighted).toEqual(expanded);
        near(kendallTauB(weighted), kendallTauB(expanded) ?? null, 'kendall');
        near(pearson(...all, counts), pearson(...own) ?? null, 'pearson');
        near(spearman(...all, counts), spearman(...own) ?? null, 'spearman');
        const category = ([a]: readonly number[]) => (a! < 0 ? 0 : 1);
        expect(confusion(drawn.map(category), drawn.map(category), 2, counts)).toEqual(
          confusion(copies.map(category), copies.map(category), 2),
        );
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('turn round with the scores, and change with nothing that keeps the order', () => {
    fc.assert(
      fc.property(rows, (drawn) => {
        const [x, y] = [rank(drawn.map(([a]) => a)), rank(drawn.map(([, b]) => b))];
        const opposite = rank(drawn.map(([a]) => -a));
        const cubed = rank(drawn.map(([a]) => a ** 3 + 7));
        near(spearman(opposite, y), negated(spearman(x, y)), 'spearman');
        near(
          kendallTauB(countPairs(pairOrder(opposite, y))),
          negated(kendallTauB(countPairs(pairOrder(x, y)))),
          'kendall',
        );
        near(spearman(cubed, y), spearman(x, y) ?? null, 'order kept');
        expect(countPairs(pairOrder(cubed, y))).toEqual(countPairs(pairOrder(x, y)));
      }),
      { seed: 2, numRuns: 100 },
    );
  });
});

const negated = (value: number | undefined) => (value === undefined ? null : -value);

describe('what is no number', () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%s is refused with its place', (value) => {
    expect(() => rank([1, value, 2])).toThrow(`expected finite numbers, found ${value} at 1`);
  });

  it('refuses lists of different lengths', () => {
    expect(() => pairOrder(rank([1, 2]), rank([1]))).toThrow('expected as many values, got 2 and 1');
  });

  it('leaves nothing to tell of no row and of one', () => {
    for (const values of [[], [1]]) {
      const one = rank(values);
      const counts = countPairs(pairOrder(one, one));
      expect([pearson(one, one), spearman(one, one), kendallTauB(counts)]).toEqual([undefined, undefined, undefined]);
      expect(orderAgreement(counts)).toEqual({ untied: undefined, tied: undefined });
    }
  });
});

describe('intervals', () => {
  const options: BootstrapOptions = { resamples: 2000, level: 0.95, seed: 3 };
  const { x, y } = reference.cases[0]!;
  const [first, second] = [rank(x), rank(y)];
  const order = pairOrder(first, second);
  const draw = (seed: number) => {
    const found = { pearson: [], spearman: [], kendall: [] } as Record<string, (number | undefined)[]>;
    for (const counts of resamples(x.length, { ...options, seed })) {
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(x.length);
      found.pearson!.push(pearson(first, second, counts));
      found.spearman!.push(spearman(first, second, counts));
      found.kendall!.push(kendallTauB(countPairs(order, counts)));
    }
    return found;
  };

  it("are SciPy's up to chance, and the same for the same seed", () => {
    const found = draw(3);
    for (const [name, [low, high]] of Object.entries(reference.bootstrap)) {
      const { interval } = estimate(0, found[name]!, options.level);
      // The end of an interval of 0.4 from 2,000 resamples is known to about 0.01.
      expect(Math.abs(interval![0] - low), `${name}, low: ${interval![0]} for ${low}`).toBeLessThan(0.03);
      expect(Math.abs(interval![1] - high), `${name}, high: ${interval![1]} for ${high}`).toBeLessThan(0.03);
    }
    expect(draw(3)).toEqual(found);
    expect(draw(4)).not.toEqual(found);
  });

  it("use NumPy's quantiles", () => {
    const { values, shares, found } = reference.quantiles;
    for (const [i, share] of shares.entries()) near(quantile(values, share), found[i]!, `quantile ${share}`);
  });

  it('are left out where the value or too many of the resamples are not defined', () => {
    expect(estimate(undefined, [1, 2, 3], 0.95)).toEqual({ value: null, interval: null });
    expect(estimate(1, [], 0.95)).toEqual({ value: 1, interval: null });
    expect(
      estimate(1, [...Array<number>(90).fill(1), ...Array<undefined>(10).fill(undefined)], 0.95).interval,
    ).toBeNull();
    expect(estimate(1, [...Array<number>(96).fill(1), ...Array<undefined>(4).fill(undefined)], 0.95).interval).toEqual([
      1, 1,
    ]);
  });
});
