import { describe, expect, it } from 'vitest';
import { compareArms } from '../../../src/study/results/compare.js';
import { digitsFor, shown } from '../../../src/study/results/figures.js';
import type { About } from '../../../src/study/results/parts.js';
import { analysisRules } from '../../../src/study/results/rules.js';
import { notesOf, sentenceOf } from '../../../src/study/results/sentences.js';
import { studyFileSchema } from '../../../src/study/study-file.js';

const ABOUT: About = {
  metric: 'held-out loss',
  metricUnit: 'nats',
  better: 'lower',
  margin: 0.01,
  alpha: 0.05,
  unit: 'seed',
  family: 1,
  settled: true,
  problems: [],
};

/** What is said about an arm whose differences from the control are these, beside arms with others. */
function said(differences: readonly number[], about: Partial<About> = {}, beside: readonly number[][] = []) {
  const all = [differences, ...beside];
  const cells = all[0]!.flatMap((_, seed) =>
    ['one-off', ...all.map((_, arm) => `arm-${arm + 1}`)].map((arm) => ({
      id: `${arm}-${seed}`,
      arm,
      axes: {},
      seed,
      split: 1,
    })),
  );
  const values = new Map(
    cells.map(({ id, arm, seed }) => [
      id,
      2 + seed / 10 + (arm === 'one-off' ? 0 : all[Number(arm.slice(4)) - 1]![seed]!),
    ]),
  );
  const full = { ...ABOUT, ...about, family: all.length };
  const compare = all.map((_, arm) => `arm-${arm + 1}`);
  const { settled, alpha, margin, better } = full;
  const analysis = { alpha, margin, better, control: 'one-off', compare };
  const one = compareArms({ cells, values, analysis, settled })[0]!;
  const power = { leastDifference: 0.0123, seedsForMargin: margin === null ? null : 14 };
  return { sentence: sentenceOf(one, power, full), notes: notesOf(one, full), one };
}

const SMALL = [0.001, -0.001, 0.002, -0.002, 0.001, -0.001, 0];
const WIDE = [0.02, -0.01, 0.015, -0.02, 0.005, -0.012, 0.009];
const minus = (by: number, values: readonly number[]) => values.map((value) => value - by);

describe('sentenceOf', () => {
  it('says what was found, how large it is, and over how many seeds', () => {
    expect(said(minus(0.03, SMALL)).sentence).toBe(
      'arm-1 is better than one-off: its held-out loss is 0.0300 nats per token lower (95 % interval 0.0287 to 0.0313, 7 seeds, p < 0.0001).',
    );
    expect(said(minus(-0.03, SMALL)).sentence).toMatch(
      /^arm-1 is worse than one-off: .* 0\.0300 nats per token higher/,
    );
    expect(said(minus(0.005, SMALL)).sentence).toMatch(
      /^arm-1 is better than one-off, but by less than 0\.01 nats per token: its held-out loss is 0\.0050 /,
    );
    expect(said(SMALL).sentence).toBe(
      'arm-1 and one-off are the same within 0.01 nats per token: the difference is 0.0000 (90 % interval -0.0010 to 0.0010, 7 seeds, p < 0.0001).',
    );
  });

  it('never says that there is no difference: what is ruled out, and what more seeds would find', () => {
    expect(said(WIDE).sentence).toBe(
      'arm-1 and one-off are not distinguishable: the difference is 0.001 nats per token (95 % interval -0.013 to 0.015, 7 seeds, p = 0.87). Differences below -0.013 and above 0.015 are ruled out; 14 seeds find a difference of 0.01 nats per token with a power of 0.8.',
    );
    expect(said(WIDE, { margin: null }).sentence).toMatch(
      /are ruled out; 7 seeds find differences of 0\.012 nats per token and more with a power of 0\.8\.$/,
    );
    expect(said(WIDE, { settled: false }).sentence).toBe(
      'No verdict on arm-1 yet: 7 of 7 blocks are done in both it and one-off.',
    );
  });

  it('says why a comparison is incomplete', () => {
    expect(said([0.1, 0.2]).sentence).toBe(
      'No verdict on arm-1: a verdict takes at least 3 seeds that both arms have, and there are 2; over 2 seeds the difference is 0.15 nats per token.',
    );
  });
});

describe('notesOf', () => {
  it('says where an interval without 0 is no finding, and where the permutation test cannot find anything', () => {
    const found = said(minus(0.012, WIDE), {}, [WIDE, WIDE]);
    expect(found.one).toMatchObject({ verdict: 'not distinguishable' });
    expect(found.one.high).toBeGreaterThan(0);
    const edge = said(minus(0.016, WIDE), {}, [WIDE, WIDE, WIDE, WIDE]);
    expect(edge.one.high).toBeLessThan(0);
    expect(edge.notes).toEqual([
      'The interval does not contain 0, but this is no finding once all 5 comparisons are counted.',
      'With 7 seeds the permutation test cannot find anything among 5 comparisons; the verdict rests on the t test, which assumes that differences are normally distributed.',
    ]);
    expect(said(minus(0.03, SMALL).slice(0, 5)).notes).toEqual([
      'With 5 seeds the permutation test cannot find anything; the verdict rests on the t test, which assumes that differences are normally distributed.',
    ]);
    expect(said(minus(0.03, SMALL)).notes).toEqual([]);
  });

  it('says where the permutation test could find it and does not agree', () => {
    // All on one side, one of them far out: the t test sees the spread, the permutation test the sides.
    const { one, notes } = said([0.001, 0.002, 0.001, 0.002, 0.001, 0.002, 0.04]);
    expect(one).toMatchObject({ verdict: 'not distinguishable', signFlip: 2 / 2 ** 7 });
    expect(notes).toEqual([
      `The permutation test, which makes no assumption about how differences are distributed, does not agree: p = 0.016 instead of p = ${Number(one.pHolm!.toPrecision(2))}.`,
    ]);
  });

  it('says where both arms did the same', () => {
    expect(said([0, 0, 0, 0, 0, 0, 0]).notes).toEqual([
      'The difference is exactly 0 everywhere: both arms did the same.',
    ]);
  });
});

describe('figures', () => {
  it('have two digits of half an interval, and no negative zero', () => {
    expect([digitsFor(-0.01, 0.01, 'nats'), digitsFor(-0.5, 0.7, 'points'), digitsFor(null, null, 'nats')]).toEqual([
      3, 2, 4,
    ]);
    expect([digitsFor(2, 2, 'points'), digitsFor(-300, 300, 'points')]).toEqual([1, 0]);
    expect([shown(-0.0001, 2), shown(null, 2), shown(-0.126, 2)]).toEqual(['0.00', '-', '-0.13']);
  });
});

describe('analysisRules', () => {
  const study = (more: object) =>
    studyFileSchema.parse({
      base: { model: 'model' },
      data: { scored: 'scored.jsonl' },
      arms: { 'one-off': {}, phased: {}, random: {} },
      control: 'one-off',
      compare: ['phased', 'random'],
      ...more,
    });

  it('say what counts as one observation, and the family', () => {
    const rules = (more: object) => analysisRules(study(more)).join('\n');
    expect(rules({})).toContain('one observation is a seed. Figures are about other seeds');
    expect(rules({})).toContain('There is no margin: nothing is called the same.');
    expect(rules({})).not.toContain('same within margin');
    expect(rules({})).toContain('Holm adjusts the p of all 2 comparisons (phased, random) as one family');
    const splits = { data: { scored: 'scored.jsonl', splits: 3 }, metric: { 'held-out': 'band-2', margin: 0.01 } };
    expect(rules(splits)).toContain('one observation is a split: differences are averaged over its 6 seeds first');
    expect(rules(splits)).toContain('mean held-out loss of band 2');
    expect(rules(splits)).toContain('same within 0.01 nats per token');
    expect(rules(splits)).not.toContain('crossed bootstrap');
    expect(rules({ data: { scored: 'scored.jsonl', splits: 2 } })).toContain('averaged over its 2 splits first');
    const axes = { axes: { model: { a: 'a', b: 'b' }, rank: { low: 4, high: 8 } } };
    expect(rules(axes)).toContain('all 8 comparisons (phased, random, for each of 4 combinations of the axes)');
    expect(rules({ metric: { 'win-rate': { sets: ['a.jsonl'] } } })).toContain('win rate over all sets against');
  });
});
