import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { leastDifferenceT, leastMarginT } from '../../../src/statistics/t-power.js';
import { type Analysis, compareArms } from '../../../src/study/results/compare.js';
import { type CellKey, unitOf } from '../../../src/study/results/units.js';
import { simulateStudies, simulateStudy } from '../../helpers/simulated-studies.js';

interface ReferenceComparison {
  readonly [name: string]: number;
}

/** Written by scripts/reference/study_statistics.py with SciPy and statsmodels. */
const { studies } = JSON.parse(
  readFileSync(new URL('../../fixtures/statistics/study.json', import.meta.url), 'utf8'),
) as { studies: { margin: number; values: number[][]; comparisons: ReferenceComparison[] }[] };

const ANALYSIS: Analysis = { better: 'lower', margin: null, alpha: 0.05, control: 'a0', compare: ['a1', 'a2', 'a3'] };

/** A study from the values of each arm by seed, or by split and seed; undefined for a cell that is not done. */
function compare(
  arms: readonly (readonly (number | undefined)[])[],
  analysis: Partial<Analysis> = {},
  { splits = 1, settled = true } = {},
) {
  const cells: (CellKey & { value: number | undefined })[] = arms.flatMap((values, arm) =>
    values.map((value, i) => {
      const [seed, split] = [1 + Math.floor(i / splits), 1 + (i % splits)];
      return { id: `a${arm}-${seed}-${split}`, arm: `a${arm}`, axes: {}, seed, split, value };
    }),
  );
  const values = new Map(cells.flatMap(({ id, value }) => (value === undefined ? [] : [[id, value]])));
  const names = arms.slice(1).map((_, i) => `a${i + 1}`);
  return compareArms({ cells, values, analysis: { ...ANALYSIS, compare: names, ...analysis }, settled });
}

const near = (found: number | null, expected: number, what: string) =>
  expect(Math.abs(found! - expected), `${what}: ${found} for ${expected}`).toBeLessThanOrEqual(
    1e-10 * Math.abs(expected),
  );

describe('compareArms', () => {
  it("has SciPy's and statsmodels' figures", () => {
    for (const { margin, values, comparisons } of studies)
      for (const [i, one] of compare(values, { margin }).entries()) {
        const expected = comparisons[i]!;
        const { difference, low, high, sd, p, pHolm, signFlip, signFlipHolm, better, equivalence } = one;
        for (const [name, found] of Object.entries({ difference, low, high, sd, p, pHolm, signFlip, signFlipHolm }))
          near(found, expected[name]!, name);
        near(equivalence!.low, expected.sameLow!, 'low of the test of equivalence');
        near(equivalence!.high, expected.sameHigh!, 'high of the test of equivalence');
        near(equivalence!.p, expected.same!, 'p of the test of equivalence');
        near(equivalence!.pHolm, expected.sameHolm!, 'p of the test of equivalence, adjusted');
        near(better!.share, expected.better!, 'share');
        expect(Math.abs(better!.low - expected.betterLow!)).toBeLessThan(1e-12);
        near(better!.high, expected.betterHigh!, 'high of the share');
      }
  });

  it('tries the verdicts in their order', () => {
    const control = [1, 2, 3, 4, 5, 6];
    const shifted = (by: number, noise: readonly number[]) => control.map((value, i) => value + by + noise[i]!);
    const noise = [0.01, -0.01, 0.02, -0.02, 0.01, -0.01];
    const wide = [3, -2.5, 2, -3, 1, -0.4];
    const arms = [control, shifted(-0.1, noise), shifted(0.1, noise), shifted(0, noise), shifted(0, wide)];
    const verdicts = (margin: number | null, better: Analysis['better'] = 'lower') =>
      compare(arms, { margin, better }).map(({ verdict, withinMargin }) => [verdict, withinMargin]);
    expect(verdicts(0.05)).toEqual([
      ['better', false],
      ['worse', false],
      ['same within margin', false],
      ['not distinguishable', false],
    ]);
    // A difference that is found stays one, and is said to be smaller than the margin.
    expect(verdicts(0.3)).toEqual([
      ['better', true],
      ['worse', true],
      ['same within margin', false],
      ['not distinguishable', false],
    ]);
    expect(verdicts(null, 'higher').map(([verdict]) => verdict)).toEqual([
      'worse',
      'better',
      'not distinguishable',
      'not distinguishable',
    ]);
  });

  it('is incomplete under three blocks and over a fifth missing, which still counts in the family', () => {
    const control = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const arm = (missing: number) => control.map((v, i) => (i < missing ? undefined : v + 0.3 + (i % 3) / 10));
    const [two, three] = compare([control, arm(2), arm(3)]);
    expect(two).toMatchObject({ verdict: 'worse', incomplete: null, n: 8, planned: 10, units: 8 });
    expect(three).toMatchObject({ verdict: 'incomplete', incomplete: 'missing', n: 7, pHolm: null });
    // Of two comparisons, the other of which found nothing.
    expect(two!.pHolm).toBe(2 * two!.p!);
    expect(compare([control.slice(0, 2), [2, 3.5]])[0]).toMatchObject({ verdict: 'incomplete', incomplete: 'few' });
    expect(compare([control, control.map(() => undefined)])[0]).toMatchObject({
      verdict: 'incomplete',
      n: 0,
      difference: null,
      low: null,
      sd: null,
      p: null,
      better: null,
    });
    expect(compare([[1], [2]])[0]).toMatchObject({ verdict: 'incomplete', difference: 1, low: null, p: null });
  });

  it('does not take copies of one run for seeds', () => {
    const still = compare([
      [2, 2, 2, 2],
      [1, 1, 1, 1],
    ]);
    expect(still[0]).toMatchObject({ verdict: 'incomplete', incomplete: 'copies', sd: 0, difference: -1 });
    // The same in every block, though seeds differ: both arms are one.
    const same = compare(
      [
        [1, 2, 3, 4],
        [1, 2, 3, 4],
      ],
      { margin: 0.1 },
    );
    expect(same[0]).toMatchObject({ verdict: 'same within margin', difference: 0, p: 1, signFlip: 1 });
  });

  it('gives verdicts to the family only, and none while cells are not settled', () => {
    const arms = [
      [1, 2, 3, 4],
      [2, 3.1, 3.9, 5],
      [0, 1.1, 1.9, 3],
    ];
    const [first, second] = compare(arms, { compare: ['a2'] });
    expect(first).toMatchObject({ family: false, verdict: null, pHolm: null });
    expect(first!.p).not.toBeNull();
    expect(second!.pHolm).toBe(second!.p);
    for (const one of compare(arms, { margin: 1 }, { settled: false }))
      expect(one).toMatchObject({ verdict: null, p: null, pHolm: null, signFlip: null, withinMargin: false });
  });

  it('averages over two splits within seeds, and over seeds within three', () => {
    // By seed, the splits of it one after the other.
    const two = compare(
      [
        [0, 0, 0, 0, 0, 0],
        [1, 3, 2, 4, 3, undefined],
      ],
      {},
      { splits: 2 },
    )[0]!;
    expect(two).toMatchObject({ n: 5, planned: 6, units: 2, difference: 2.5 });
    const three = compare(
      [
        [0, 0, 0, 0, 0, 0],
        [1, 3, 5, 2, 4, undefined],
      ],
      {},
      { splits: 3 },
    )[0]!;
    expect(three.differences).toEqual([1.5, 3.5, 5]);
    expect(three).toMatchObject({ n: 5, units: 3 });
    expect(unitOf([{ split: 1 }, { split: 2 }])).toBe('seed');
  });
});

/** Four deviations of the share of a binomial: one run in 16,000 is further off by chance. */
const reach = (share: number, trials: number) => 4 * Math.sqrt((share * (1 - share)) / trials);

/** Smaller than `scripts/study/simulate-studies.ts`, whose figures are in the documentation. */
describe('simulated studies', () => {
  const STUDIES = 400;

  it('find a difference that is not there at most in 5 % of studies, and cover the truth in 95 %', () => {
    for (const seeds of [5, 8]) {
      const rates = simulateStudies({ seeds, effects: [0, 0, 0] }, STUDIES);
      expect(rates.anyFound).toBeLessThan(0.05 + reach(0.05, STUDIES));
      // Intervals of one study have the control in common: as few as its studies.
      expect(Math.abs(rates.covered - 0.95)).toBeLessThan(reach(0.95, STUDIES));
    }
  });

  it('call arms at the margin the same in at most 5 %', () => {
    const margin = leastMarginT({ n: 6, sd: Math.SQRT2 });
    const { anyWithin } = simulateStudies({ seeds: 6, effects: [margin, margin, margin], margin }, STUDIES);
    expect(anyWithin).toBeLessThan(0.05 + reach(0.05, STUDIES));
    const equal = simulateStudies({ seeds: 6, effects: [0], margin }, STUDIES);
    expect(Math.abs(equal.anyWithin - 0.8)).toBeLessThan(reach(0.8, STUDIES));
  });

  it('find the difference of the planned power as often as planned, on splits too', () => {
    const least = leastDifferenceT({ n: 6, sd: Math.SQRT2 });
    const { firstFound } = simulateStudies({ seeds: 6, effects: [-least] }, STUDIES);
    expect(Math.abs(firstFound - 0.8)).toBeLessThan(reach(0.8, STUDIES));
    const world = { seeds: 2, splits: 4, onSplit: 1, effects: [0, 0] };
    const split = simulateStudies(world, STUDIES);
    expect(split.anyFound).toBeLessThan(0.05 + reach(0.05, STUDIES));
    expect(Math.abs(split.covered - 0.95)).toBeLessThan(reach(0.95, STUDIES));
    expect(simulateStudy(world, 1)).toEqual(simulateStudy(world, 1));
  });
});
