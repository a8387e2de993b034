import { describe, expect, it } from 'vitest';
import { printResults } from '../../../src/cli/study/results-display.js';
import { random } from '../../../src/core/random.js';
import type { Cell } from '../../../src/study/cell.js';
import { computeResults } from '../../../src/study/results/compute.js';
import { resultsBlocks } from '../../../src/study/results/summary.js';
import { readResults, writeResults } from '../../../src/study/results/write.js';
import type { CellState } from '../../../src/study/state.js';
import { readStudy } from '../../../src/study/study-record.js';
import { plainLines } from '../../../src/telemetry/document.js';
import { bandOf, type FinishedStudy, finishedStudy, tokensOf } from '../../helpers/finished-study.js';

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
    expect(lines.join('\n')).toContain('\nMissing\n  random: 4 of 6 cells (4 loss spike)\n');
  });
});
