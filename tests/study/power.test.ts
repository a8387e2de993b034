import { describe, expect, it } from 'vitest';
import type { Cell } from '../../src/study/cell.js';
import { planPower, sdOfPilot, sdOfStudy } from '../../src/study/power.js';
import { computeResults } from '../../src/study/results/compute.js';
import { writeResults } from '../../src/study/results/write.js';
import type { Metric } from '../../src/study/study-file.js';
import { finishedStudy } from '../helpers/finished-study.js';
import { temporaryFolder } from '../helpers/folder.js';

const blocks = (seeds: number, splits = 1): Pick<Cell, 'seed' | 'split'>[] =>
  Array.from({ length: seeds * splits }, (_, i) => ({ seed: 1 + (i % seeds), split: 1 + Math.floor(i / seeds) }));
const study = (margin?: number, arms = 1, metric: Metric = { 'held-out': 'all', margin }) => ({
  alpha: 0.05,
  compare: ['a', 'b', 'c'].slice(0, arms),
  axes: {},
  metric,
});
const sd = (value: number) => ({ sd: value, basis: 'study' as const, from: 12 });

describe('what so many seeds can find', () => {
  // The table of the literature for power 0.8 (scripts/reference/study_statistics.py has the exact figures): one
  // comparison at 0.05, and the first of three by Holm.
  it.each([
    [1, 4, 2.13, 1.94],
    [1, 6, 1.43, 1.4],
    [1, 8, 1.16, 1.15],
    [1, 12, 0.89, 0.9],
    [1, 20, 0.66, 0.68],
    [3, 4, 3.12, undefined],
    [3, 6, 1.88, undefined],
    [3, 8, 1.45, undefined],
    [3, 12, 1.08, undefined],
    [3, 20, 0.78, undefined],
  ])('%d comparisons, %d seeds: %d standard deviations', (arms, n, difference, margin) => {
    const { table, sd: known } = planPower(study(undefined, arms), blocks(8), null);
    expect(known).toBeNull();
    const row = table.find((one) => one.n === n)!;
    expect(row.difference).toBeCloseTo(difference, 2);
    if (margin !== undefined) expect(row.margin).toBeCloseTo(margin, 2);
  });

  it('is in the unit of the metric where it is known how much runs vary, with a row for the study itself', () => {
    const inSd = planPower(study(), blocks(7), null);
    const { table } = planPower(study(), blocks(7), sd(0.01));
    expect(table.map(({ n }) => n)).toEqual([4, 6, 7, 8, 12, 20]);
    for (const [i, row] of table.entries()) expect(row.difference).toBeCloseTo(0.01 * inSd.table[i]!.difference, 12);
  });

  it('counts the comparisons of all combinations of the axes, and splits where there are three', () => {
    const axes = { model: { a: 1, b: 2 }, scorer: { c: 1, d: 2, e: 3 } };
    expect(planPower({ ...study(undefined, 2), axes }, blocks(8), null).comparisons).toBe(12);
    expect(planPower(study(), blocks(8, 2), null)).toMatchObject({ unit: 'seed', n: 8 });
    expect(planPower(study(), blocks(2, 5), null)).toMatchObject({ unit: 'split', n: 5 });
  });

  it('warns of a margin that is hardly found, with the seeds that find it', () => {
    const { margin, warnings } = planPower(study(0.01), blocks(8), sd(0.01));
    // 8 pairs find one standard deviation with a chance of 0.68, 10 with 0.80.
    expect(margin).toMatchObject({ margin: 0.01, seeds: 10, seedsForSame: 11 });
    expect(margin!.power).toBeCloseTo(0.68, 2);
    expect(warnings).toEqual([
      'a difference of the margin, 0.01 nats, is found with a chance of 68 % only; 10 seeds would find it with 80 %',
    ]);
    expect(planPower(study(0.01), blocks(10), sd(0.01)).warnings).toEqual([]);
    expect(planPower(study(0.01), blocks(10), null).margin).toBeUndefined();
  });

  it.each([
    [2, 1, ['there is no verdict with fewer than 3 seeds, and there are 2']],
    [1, 1, ['there is no verdict with fewer than 3 seeds, and there is 1']],
    [
      5,
      1,
      ['with 5 seeds the permutation test beside the t test cannot find anything (1 comparison); from 6 on it can'],
    ],
    [6, 1, []],
    [
      6,
      3,
      ['with 6 seeds the permutation test beside the t test cannot find anything (3 comparisons); from 7 on it can'],
    ],
    [7, 3, []],
  ])('warns with %d seeds and %d comparisons', (seeds, arms, warnings) => {
    expect(planPower(study(undefined, arms), blocks(seeds), null).warnings).toEqual(warnings);
  });
});

/** Seeds move both arms by 0.1, and the arm by a further 0.02 or so. */
const loss = ({ arm, seed }: Cell, row: number) =>
  2 + 0.1 * seed + 0.01 * (row % 5) + (arm === 'phased' ? 0.02 * (seed % 3) : 0);

describe('how much runs vary', () => {
  it('is known from the results of a study', async () => {
    const { study: earlier, states } = await finishedStudy({ arms: ['one-off', 'phased', 'copy'], seeds: 4, loss });
    const results = await computeResults(earlier, { states });
    await writeResults(earlier.folder, results);
    const [phased, copy] = results.comparisons;
    expect([phased!.sd! > 0.01, copy!.sd]).toEqual([true, 0]);
    expect(await sdOfStudy(earlier.folder, study())).toEqual({
      sd: Math.sqrt(phased!.sd! ** 2 / 2),
      basis: 'study',
      from: 8,
    });
    const other = sdOfStudy(earlier.folder, study(undefined, 1, { 'win-rate': { sets: ['a'] } }));
    await expect(other).rejects.toThrow(
      `\`sdFrom\`: ${earlier.folder} compares the held-out loss, this study the win rate`,
    );
  });

  it('is not known without results, or with a single seed', async () => {
    const empty = temporaryFolder();
    await expect(sdOfStudy(empty, study())).rejects.toThrow(
      `\`sdFrom\`: there are no results in ${empty} (no results.json)`,
    );
    const { study: single, states } = await finishedStudy({ arms: ['one-off', 'phased'], seeds: 1, loss });
    await writeResults(single.folder, await computeResults(single, { states }));
    await expect(sdOfStudy(single.folder, study())).rejects.toThrow('no comparison in');
  });

  it("is at most the root of 2 times that of the control's own seeds", async () => {
    const { study: pilot, states } = await finishedStudy({
      arms: ['one-off', 'phased'],
      seeds: 5,
      loss,
      state: ({ arm, seed }) => ({ state: arm === 'one-off' && seed <= 3 ? 'done' : 'waiting' }),
    });
    const known = await sdOfPilot(pilot, states);
    // 0.1, 0.2, 0.3 have the standard deviation 0.1.
    expect(known).toMatchObject({ basis: 'pilot', from: 3 });
    expect(known!.sd).toBeCloseTo(Math.SQRT2 * 0.1, 12);
    const one = states.map((state, i) => (i === 0 ? state : { state: 'waiting' as const }));
    expect(await sdOfPilot(pilot, one)).toBeUndefined();
  });
});
