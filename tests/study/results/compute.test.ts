import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { printResults } from '../../../src/cli/study/results-display.js';
import { random } from '../../../src/core/random.js';
import type { Cell } from '../../../src/study/cell.js';
import { computeResults } from '../../../src/study/results/compute.js';
import { resultsBlocks } from '../../../src/study/results/summary.js';
import { readResults, writeResults } from '../../../src/study/results/write.js';
import type { CellState } from '../../../src/study/state.js';
import { readStudy, studyPaths } from '../../../src/study/study-record.js';
import { plainLines } from '../../../src/telemetry/document.js';
import { bandOf, type FinishedStudy, finishedStudy, tokensOf } from '../../helpers/finished-study.js';
import { temporaryFolder } from '../../helpers/folder.js';

const ARMS = ['one-off', 'phased', 'random'];

/** Losses with what seeds have in common, an effect of the arm, and noise. */
const lossWith =
  (effects: Record<string, number>, noise = 0.004) =>
  (cell: Cell, row: number): number =>
    2 +
    row / 10 +
    0.03 * random(cell.seed, 'block').normal() +
    (effects[cell.arm] ?? 0) +
    noise * random(cell.seed, cell.arm, cell.split).normal();

const FAILED: CellState = { state: 'failed', failure: 'loss spike', reason: 'the loss jumped at step 12', attempts: 1 };

const resultsOf = async (options: FinishedStudy, more: { finish?: boolean } = {}) => {
  const { study, states } = await finishedStudy(options);
  return { study, states, results: await computeResults(study, { states, ...more }) };
};

const MARGIN = { metric: { 'held-out': 'all', margin: 0.02 } } as const;

describe('computeResults', () => {
  it('finds what is there, within blocks, and says it in a sentence', async () => {
    const { study, results } = await resultsOf({
      arms: ARMS,
      seeds: 8,
      loss: lossWith({ phased: -0.03 }),
      study: MARGIN,
    });
    const [phased, same] = results.comparisons;
    expect([phased!.verdict, same!.verdict]).toEqual(['better', 'same within margin']);
    // Seeds vary by 0.03; within blocks only the noise of two arms is left.
    expect(phased!.sd!).toBeLessThan(0.012);
    expect(phased!.low!).toBeLessThan(-0.03);
    expect(phased!.high!).toBeGreaterThan(-0.04);
    expect(phased!.sentence).toMatch(
      /^phased is better than one-off: its held-out loss is 0\.0\d+ nats per token lower \(95 % interval 0\.0\d+ to 0\.0\d+, 8 seeds, p < 0\.0001\)\.$/,
    );
    expect(same!.sentence).toMatch(/^random and one-off are the same within 0\.02 nats per token: the difference is /);
    expect(results).toMatchObject({ unit: 'seed', complete: true, warnings: [], missing: [], missingDiffers: null });
    await writeResults(study.folder, results);
    expect(await readResults(study.folder)).toEqual(results);
    expect((await readStudy(study.folder)).cells).toEqual(study.cells);
  });

  it('measures rows by the cut of the control, whatever the bands of the own set are', async () => {
    const { study, results } = await resultsOf({
      arms: ARMS,
      seeds: 3,
      loss: (cell, row) => 2 + bandOf(row) + (cell.arm === 'phased' ? 0.1 * bandOf(row) : 0) + 0.01 * cell.seed,
    });
    const [first] = results.arms;
    expect(first!.matrix.map(({ after }) => after)).toEqual([0, 1, 2]);
    const round = (values: readonly (number | null)[]) => values.map((value) => Math.round(1e9 * value!) / 1e9);
    expect(round(first!.matrix[2]!.losses)).toEqual([3.02, 4.02, 5.02]);
    expect(round(results.comparisons[0]!.bands.map(({ difference }) => difference))).toEqual([0.1, 0.2, 0.3]);
    const rows = Array.from({ length: 12 }, (_, row) => row);
    const tokens = rows.reduce((sum, row) => sum + tokensOf(row), 0);
    const expected = rows.reduce((sum, row) => sum + tokensOf(row) * (2 + bandOf(row) + 0.02), 0) / tokens;
    expect(first!.mean).toBeCloseTo(expected, 12);
    expect(study.cells).toHaveLength(9);
  });

  it('gives no verdict and no p before all cells are settled, unless the study is finished', async () => {
    const state = ({ seed }: Cell): CellState => ({ state: seed > 6 ? 'waiting' : 'done' });
    const options = { arms: ARMS, seeds: 7, loss: lossWith({ phased: -0.03 }), state };
    const { results, study, states } = await resultsOf(options);
    for (const { verdict, p, pHolm, signFlip, difference } of results.comparisons)
      expect({ verdict, p, pHolm, signFlip, is: typeof difference }).toEqual({
        verdict: null,
        p: null,
        pHolm: null,
        signFlip: null,
        is: 'number',
      });
    expect(results.comparisons[0]!.sentence).toBe(
      'No verdict on phased yet: 6 of 7 blocks are done in both it and one-off.',
    );
    expect(results.warnings).toEqual([
      'The study is not done: 18 of 21 cells count so far. There is no verdict before the end.',
    ]);
    const finished = await computeResults(study, { states, finish: true });
    expect(finished.comparisons[0]!.verdict).toBe('better');
    expect(finished.complete).toBe(false);
    expect(finished.warnings[0]).toBe('The study was finished before all of its cells ran: 18 of 21 cells count.');
  });

  it('says what is missing, by arm and reason, and that it depends on the arm', async () => {
    const state = ({ arm, seed }: Cell): CellState => (arm === 'random' && seed > 2 ? FAILED : { state: 'done' });
    const { results } = await resultsOf({ arms: ARMS, seeds: 6, loss: lossWith({}), state });
    const random = results.comparisons.find(({ arm }) => arm === 'random')!;
    expect(random).toMatchObject({ verdict: 'incomplete', n: 2, planned: 6, pHolm: null });
    expect(random.sentence).toContain('a verdict takes at least 3 seeds that both arms have, and there are 2');
    expect(results.missing).toEqual([
      {
        arm: 'random',
        axes: {},
        planned: 6,
        missing: 4,
        reasons: { 'loss spike': 4 },
        examples: [{ cell: 'random-seed-3-split-1', failure: 'loss spike', reason: 'the loss jumped at step 12' }],
      },
    ]);
    expect(results.warnings).toEqual([
      expect.stringMatching(/^Missing cells are not spread equally over the arms \(random 4 of 6; Fisher's exact test/),
    ]);
    // 4 of 6 against 0 of 12: 15 of C(18, 4) = 3,060 tables, times three arms.
    expect(results.missingDiffers).toBeCloseTo((3 * 15) / 3060, 12);
  });

  it('warns where not all cells were trained by the same engine', async () => {
    const options = { arms: ARMS, seeds: 3, loss: lossWith({}) };
    const some = await resultsOf({ ...options, engine: ({ arm }) => (arm === 'phased' ? 'TRL 1.16.0' : undefined) });
    expect(some.results.warnings).toEqual([
      'Cells were trained by different engines (one-off 3 by phasetune; phased 3 by TRL 1.16.0; random 3 by phasetune), which round differently: a difference between arms may be one between engines.',
    ]);
    const all = await resultsOf({ ...options, engine: () => 'TRL 1.16.0' });
    expect(all.results.warnings).toEqual([]);
  });

  it('prints warnings first, then a table, then the answers', async () => {
    const state = ({ arm, seed }: Cell): CellState => (arm === 'random' && seed > 2 ? FAILED : { state: 'done' });
    const { results } = await resultsOf({ arms: ARMS, seeds: 6, loss: lossWith({ phased: -0.03 }), state });
    const lines: string[] = [];
    printResults(results, {
      print: (line) => lines.push(String(line)),
      logger: { warn: (line: string) => lines.push(`warning: ${line}`) } as never,
    });
    expect(lines[0]).toMatch(/^warning: Missing cells/);
    expect(lines.slice(1)).toEqual(plainLines(resultsBlocks(results)));
    expect(lines[1]).toBe(
      '2 arms against one-off, 2 of 6 blocks complete: held-out loss, nats per token, lower is better',
    );
    expect(lines.join('\n')).toMatch(/\n {2}phased +6 .+better\n {2}random +2 of 6 .+incomplete\n/);
    expect(lines.join('\n')).toMatch(
      /\n {2}Of the variance \d+ % is between blocks, \d+ % between arms, \d+ % is left; pairing takes \d+ % off /,
    );
    expect(lines.join('\n')).toContain('\nMissing\n  random: 4 of 6 cells (4 loss spike)\n');
  });

  it('measures one band, of the rows that are in it by the cut of the control', async () => {
    const loss = (cell: Cell, row: number) =>
      2 + 0.01 * cell.seed + (cell.arm === 'phased' && bandOf(row) === 3 ? -0.2 - 0.001 * cell.seed : 0);
    const options = { arms: ARMS, seeds: 4, loss };
    const { results } = await resultsOf({ ...options, study: { metric: { 'held-out': 'band-3' } } });
    expect(results.metric).toEqual({ name: 'held-out band-3', unit: 'nats', better: 'lower' });
    expect(results.comparisons[0]!.difference).toBeCloseTo(-0.2025, 12);
    expect(results.comparisons[0]!.sentence).toMatch(/^phased is better than one-off: its held-out loss of band 3 is /);
    const other = await resultsOf({ ...options, study: { metric: { 'held-out': 'band-1' } } });
    expect(other.results.comparisons[0]!.difference).toBeCloseTo(0, 12);
    // There is no fourth band: nothing is measured, rather than something else.
    const none = await resultsOf({ ...options, study: { metric: { 'held-out': 'band-4' } } });
    expect(none.results.missing[0]!.reasons).toEqual({ 'not measured': 4 });
    expect(none.results.comparisons[0]!.verdict).toBe('incomplete');
  });

  it('takes the matrix of the run where the losses of rows were not kept', async () => {
    const options = { arms: ARMS, seeds: 4, loss: lossWith({ phased: -0.1 }) };
    const { results } = await resultsOf(options);
    const { results: without } = await resultsOf({ ...options, rowLosses: false });
    for (const [i, { difference }] of results.comparisons.entries())
      expect(without.comparisons[i]!.difference!).toBeCloseTo(difference!, 12);
  });

  it('counts a loss that is not finite as missing, and says so', async () => {
    const loss = (cell: Cell, row: number) =>
      cell.arm === 'random' && cell.seed === 2 ? Number.NaN : lossWith({})(cell, row);
    const { results } = await resultsOf({ arms: ARMS, seeds: 6, loss });
    expect(results.missing).toEqual([
      { arm: 'random', axes: {}, planned: 6, missing: 1, reasons: { 'loss not finite': 1 }, examples: [] },
    ]);
    expect(results.comparisons.map(({ n }) => n)).toEqual([6, 5]);
    expect(results.blocks).toEqual({ planned: 6, complete: 5 });
    expect(results.missingDiffers).toBe(1);
  });

  it('has an interval over other rows from eight seeds and thirty rows a band on', async () => {
    // The arm gains on half of the rows and loses on the others; seeds differ by little.
    const loss = (cell: Cell, row: number) =>
      2 + (cell.arm === 'phased' ? (row % 2 === 0 ? -0.2 : 0.2) : 0) + 0.001 * random(cell.seed, cell.arm).normal();
    const options = { arms: ['one-off', 'phased'], seeds: 8, rows: 90, loss };
    const { results } = await resultsOf(options);
    const [one] = results.comparisons;
    expect(one!.high! - one!.low!).toBeLessThan(0.01);
    // 0.2 over √90 rows is 0.021, and the interval four of these wide.
    expect(one!.rows!.high - one!.rows!.low).toBeGreaterThan(0.06);
    expect(one!.rows!.high - one!.rows!.low).toBeLessThan(0.11);
    expect(one!.notes).toEqual([
      expect.stringMatching(/^For other held-out rows too, the 95 % interval is -0\.0\d+ to 0\.0\d+ nats per token\.$/),
    ]);
    for (const few of [{ seeds: 7 }, { rows: 87 }])
      expect((await resultsOf({ ...options, ...few })).results.comparisons[0]!.rows).toBeNull();
  });

  it('averages over splits first, and says that splits are what counts from three on', async () => {
    const onSplit: Record<number, number> = { 1: -0.02, 2: 0.03, 3: 0.01 };
    const loss = (cell: Cell, row: number) =>
      lossWith({}, 0.001)(cell, row) + (cell.arm === 'phased' ? onSplit[cell.split]! : 0);
    const { results } = await resultsOf({ arms: ['one-off', 'phased'], seeds: 4, splits: 3, loss });
    expect(results).toMatchObject({ unit: 'split', blocks: { planned: 12, complete: 12 } });
    const [one] = results.comparisons;
    expect(one).toMatchObject({ n: 12, units: 3, verdict: 'not distinguishable', rows: null });
    expect(one!.sentence).toContain(', 3 splits, ');
    const two = await resultsOf({ arms: ['one-off', 'phased'], seeds: 4, splits: 2, loss });
    expect(two.results.comparisons[0]).toMatchObject({ n: 8, units: 4, verdict: 'worse' });
  });

  it('compares within each combination of the axes, in one family, and over data sets from three on', async () => {
    const options = {
      arms: ARMS,
      seeds: 5,
      values: ['a', 'b', 'c'],
      axis: 'dataset',
      loss: lossWith({ phased: -0.1 }),
    };
    const { results } = await resultsOf(options);
    expect(results.comparisons.map(({ arm, axes }) => [axes.dataset, arm])).toEqual(
      ['a', 'b', 'c'].flatMap((set) => [
        [set, 'phased'],
        [set, 'random'],
      ]),
    );
    const phased = results.comparisons.filter(({ arm }) => arm === 'phased');
    const least = Math.min(...phased.map(({ p }) => p!));
    expect(Math.min(...phased.map(({ pHolm }) => pHolm!))).toBeCloseTo(6 * least, 14);
    expect(results.comparisons[0]!.sentence).toMatch(/^dataset=a: phased is better than one-off: /);
    expect(results.dataSets.map(({ arm, dataSets, better }) => [arm, dataSets, better])).toEqual([
      ['phased', 3, 1],
      ['random', 3, expect.any(Number)],
    ]);
    expect(results.dataSets[0]!.high).toBeLessThan(-0.09);
    expect(results.components.map(({ axes }) => axes.dataset)).toEqual(['a', 'b', 'c']);
    const two = await resultsOf({ ...options, values: ['a', 'b'] });
    expect(two.results.dataSets).toEqual([]);
    const models = await resultsOf({ ...options, axis: 'model' });
    expect(models.results.dataSets).toEqual([]);
  });

  it('compares win rates, and withholds verdicts where the evaluation does', async () => {
    const metric = { 'win-rate': { sets: ['sets/a.jsonl'] }, margin: 2 };
    const { study, states } = await finishedStudy({ arms: ARMS, seeds: 6, loss: lossWith({}), study: { metric } });
    const values = new Map(
      study.cells.map(({ id, arm, seed }) => [
        id,
        arm === 'one-off' ? 50 : arm === 'phased' ? 55 + (seed % 3) : 49.9 + (seed % 3) / 10,
      ]),
    );
    const results = await computeResults(study, { states, winRates: { values, problems: [] } });
    expect(results.metric).toEqual({ name: 'win-rate', unit: 'points', better: 'higher' });
    expect(results.comparisons.map(({ verdict }) => verdict)).toEqual(['better', 'same within margin']);
    expect(results.comparisons[0]!.sentence).toMatch(/its win rate is 6\.\d+ points higher/);
    expect(results.components).toEqual([]);
    const problems = ['the judge failed its entrance test'];
    const withheld = await computeResults(study, { states, winRates: { values, problems } });
    expect(withheld.warnings).toEqual(problems);
    for (const { verdict, p, sentence, arm } of withheld.comparisons)
      expect([verdict, p, sentence]).toEqual([null, null, `No verdict on ${arm}: the judge failed its entrance test.`]);
  });

  it('reports what was added or forced first, without times', async () => {
    const { study, states } = await finishedStudy({ arms: ARMS, seeds: 3, loss: lossWith({}) });
    const time = '2026-01-02T03:04:05.000Z';
    const record = {
      ...study.record,
      extended: [{ time, added: ['seed 3'], done: 6 }],
      forced: [{ time, changes: ['node: 20.1.0, was 20.0.0'] }],
    };
    const results = await computeResults({ ...study, record }, { states });
    expect(results.warnings).toEqual([
      'Added after 6 cells of the study had run: seed 3. What is added after a look at results makes false findings likelier.',
      'Continued although something had changed: node: 20.1.0, was 20.0.0.',
    ]);
    expect(JSON.stringify(results)).not.toContain('2026-01');
  });

  it('gives the same bytes for the same cells, wherever they are', async () => {
    const options = { arms: ARMS, seeds: 8, rows: 90, loss: lossWith({ phased: -0.01 }), study: MARGIN };
    const bytes = await Promise.all(
      [1, 2].map(async () => {
        const { study, results } = await resultsOf(options);
        return readFile(await writeResults(study.folder, results), 'utf8');
      }),
    );
    expect(bytes[0]).toBe(bytes[1]);
  });

  it('refuses losses of rows that are not those of the run', async () => {
    const { study, states } = await finishedStudy({ arms: ARMS, seeds: 3, loss: lossWith({}) });
    const path = join(studyPaths(study.folder).run('phased-seed-2-split-1'), 'stage-2', 'held-out.jsonl');
    await writeFile(path, (await readFile(path, 'utf8')).replace('"nats":2', '"nats":3'));
    await expect(computeResults(study, { states })).rejects.toThrow(path);
  });

  it('has results only where they were written', async () => {
    await expect(readResults(temporaryFolder())).rejects.toThrow(/no results in it/);
  });
});
