import { describe, expect, it } from 'vitest';
import { type Comparison, compareRatings, type NamedRatings } from '../../src/scoring/compare/compare.js';
import { compareOptionsSchema } from '../../src/scoring/compare/options.js';
import { comparisonReport, shownEstimate } from '../../src/scoring/compare/report.js';
import type { RowText } from '../../src/scoring/ratings.js';
import { markdown, plainLines } from '../../src/telemetry/document.js';

const cleaning = {
  rows: 0,
  kept: 0,
  trimmed: 0,
  empty: 0,
  notNumbers: 0,
  outOfRange: 0,
  withoutId: 0,
  unreadable: 0,
  duplicates: 0,
  examples: [],
};
const named = (name: string, scores: Record<string, number>, texts: Record<string, RowText> = {}): NamedRatings => ({
  name,
  ratings: {
    path: `${name}.jsonl`,
    scores: new Map(Object.entries(scores)),
    texts: new Map(Object.entries(texts)),
    cleaning: { ...cleaning, rows: Object.keys(scores).length, kept: Object.keys(scores).length },
  },
});
const options = (given: object = {}) => compareOptionsSchema.parse({ resamples: 40, ...given });

const compare = async (files: readonly NamedRatings[], given?: object): Promise<Comparison> =>
  (await compareRatings(files, options(given)).result).comparison;

const ids = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6'];
const scoresOf = (...values: number[]) => Object.fromEntries(values.map((value, i) => [ids[i]!, value]));
const rising = named('rising', scoresOf(1, 2, 3, 4, 5, 6));

describe('comparing scores', () => {
  it('tells agreement, stages that change and the worst rows', async () => {
    // The easiest and the hardest row change places.
    const { pairs } = await compare([rising, named('other', scoresOf(6, 2, 3, 4, 5, 1))], { worst: 2 });
    const [{ agreement, moves, worst, rows }] = pairs as [Comparison['pairs'][number]];
    expect(rows).toBe(6);
    expect(agreement.pairs).toMatchObject({ pairs: 15, concordant: 6, discordant: 9 });
    expect(agreement.order.value).toBe(40);
    expect(agreement.kendall.value).toBeCloseTo(-0.2, 12);
    expect(agreement.spearman.value).toBeCloseTo(1 - (6 * 50) / (6 * 35), 12);
    expect(moves).toEqual({
      table: [
        [1, 0, 1],
        [0, 2, 0],
        [1, 0, 1],
      ],
      moved: [4, 0, 2],
      changed: 1 - 4 / 6,
      chance: expect.closeTo(2 / 3, 12),
      tied: [0, 0],
    });
    expect(worst).toEqual([
      { id: 'r1', scores: [1, 6], ranks: [0, 100] },
      { id: 'r6', scores: [6, 1], ranks: [100, 0] },
    ]);
  });

  it('cuts at thresholds where they are given, and rates rounded scores on a scale', async () => {
    const second = named('other', scoresOf(1.4, 2.5, 3.2, 3.9, 5, 5));
    const { pairs, stages, thresholds } = await compare([rising, second], { thresholds: [3, 5], range: [1, 6] });
    expect({ stages, thresholds }).toEqual({ stages: 3, thresholds: [3, 5] });
    expect(pairs[0]!.moves.table).toEqual([
      [2, 0, 0],
      [0, 2, 0],
      [0, 0, 2],
    ]);
    // Rounded: 1 3 3 4 5 5, two off by one. Quadratic kappa: 1 - 2 / (sum over all combinations of (i - j)² / 6).
    const rounded = [1, 3, 3, 4, 5, 5];
    const byChance =
      [1, 2, 3, 4, 5, 6].flatMap((i) => rounded.map((j) => (i - j) ** 2)).reduce((sum, d) => sum + d, 0) / 6;
    expect(pairs[0]!.agreement.kappaRounded.value).toBeCloseTo(1 - 2 / byChance, 12);
  });

  it('compares every pair on the rows that both have', async () => {
    const { pairs } = await compare([
      rising,
      named('some', { r2: 1, r4: 2, r6: 3, x: 4 }),
      named('few', { r2: 9, r4: 8 }),
    ]);
    expect(pairs.map(({ first, second, rows, only }) => [first, second, rows, only])).toEqual([
      ['rising', 'some', 3, [3, 1]],
      ['rising', 'few', 2, [4, 0]],
      ['some', 'few', 2, [2, 0]],
    ]);
  });

  it('tells what is not defined instead of making a number of it', async () => {
    const comparison = await compare([rising, named('same', scoresOf(3, 3, 3, 3, 3, 3))]);
    const { agreement } = comparison.pairs[0]!;
    for (const key of ['order', 'spearman', 'kendall', 'pearson'] as const)
      expect(agreement[key], key).toEqual({ value: null, interval: null });
    expect(plainLines(comparisonReport(comparison)).join('\n')).toContain('not defined');
    expect(JSON.stringify(comparison)).not.toContain('NaN');
  });

  it('goes by the lengths of another file where a sheet has no answers', async () => {
    const text = (key: string, answer?: number): RowText => ({
      key,
      start: key,
      instruction: 1,
      ...(answer !== undefined && { answer }),
    });
    const full = Object.fromEntries(ids.map((id, i) => [id, text(id, i + 1)]));
    const sheet = Object.fromEntries(ids.map((id) => [id, text(id)]));
    const { lengths } = await compare([
      named('rising', scoresOf(1, 2, 3, 4, 5, 6), full),
      named('sheet', scoresOf(6, 5, 4, 3, 2, 1), sheet),
    ]);
    expect(lengths.rising!.answer.value).toBeCloseTo(1, 12);
    expect(lengths.sheet!.answer.value).toBeCloseTo(-1, 12);
    expect(lengths.sheet!.instruction.value).toBeNull();
  });

  it('tells how much better than length a score does, whichever way round length goes', async () => {
    const text = (answer: number): RowText => ({ key: 'k', start: 'k', instruction: 1, answer });
    // The longest are the easiest, but for two neighbours: Spearman of -0.943 with the first score; the second has 0.829.
    const texts = Object.fromEntries([6, 5, 4, 3, 1, 2].map((length, i) => [ids[i]!, text(length)]));
    const first = named('first', scoresOf(1, 2, 3, 4, 5, 6), texts);
    const { pairs } = await compare([first, named('second', scoresOf(2, 1, 4, 3, 6, 5))]);
    const { spearman, overLength } = pairs[0]!.agreement;
    expect(spearman.value).toBeCloseTo(1 - (6 * 6) / 210, 12);
    expect(overLength.value).toBeCloseTo(1 - (6 * 6) / 210 - (1 - (6 * 2) / 210), 12);
    const without = await compare([rising, named('second', scoresOf(2, 1, 4, 3, 6, 5))]);
    expect(without.pairs[0]!.agreement.overLength.value).toBeNull();
  });

  it('comes to the same intervals for the same seed, and makes none without resamples', async () => {
    const other = named('other', scoresOf(2, 1, 3, 5, 4, 6));
    const [one, again, seeded] = [
      await compare([rising, other]),
      await compare([rising, other]),
      await compare([rising, other], { seed: 1 }),
    ];
    expect(again).toEqual(one);
    expect(seeded.pairs[0]!.agreement.spearman.interval).not.toEqual(one.pairs[0]!.agreement.spearman.interval);
    const none = await compare([rising, other], { resamples: 0 });
    expect(none.pairs[0]!.agreement.spearman).toEqual({
      value: one.pairs[0]!.agreement.spearman.value,
      interval: null,
    });
  });

  it('refuses files that have no rows in common, with ids of both', async () => {
    await expect(compare([rising, named('far', { y1: 1, y2: 2 })])).rejects.toThrow(
      /rising\.jsonl and far\.jsonl: expected scored rows in common, found 0 \(ids such as r1, r2, r3; and y1, y2\)/,
    );
  });
});

describe('the report', () => {
  it('escapes what rows say, and has it only when asked for', async () => {
    const start = 'a | b <script> *x*';
    const texts = Object.fromEntries(ids.map((id) => [id, { key: id, start, instruction: 1, answer: 2 }]));
    const comparison = await compare([
      named('rising', scoresOf(1, 2, 3, 4, 5, 6), texts),
      named('b', scoresOf(6, 2, 3, 4, 5, 1)),
    ]);
    expect(markdown(comparisonReport(comparison))).toContain('a \\| b \\<script\\> \\*x\\*');
    expect(markdown(comparisonReport(comparison, { texts: false }))).not.toContain('script');
  });

  it('writes intervals, and no minus before a zero', () => {
    expect(shownEstimate({ value: 0.6125, interval: [-0.0001, 0.7] }, 2)).toBe('0.61 [0.00, 0.70]');
    expect(shownEstimate({ value: -0.25, interval: null })).toBe('-0.250');
  });
});
