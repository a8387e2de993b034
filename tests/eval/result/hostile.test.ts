import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { random } from '../../../src/core/random.js';
import { computeResult } from '../../../src/eval/result/compute.js';
import { assemble } from '../../../src/eval/result/evaluation.js';
import { reportOptionsSchema } from '../../../src/eval/result/options.js';
import { evaluationReport } from '../../../src/eval/result/report.js';
import { summaryBlocks } from '../../../src/eval/result/summary.js';
import type { Verdict } from '../../../src/eval/verdicts/verdict.js';
import { markdown, plainLines } from '../../../src/telemetry/document.js';
import { reportEvaluation } from '../../../src/workflow/eval-report.js';
import { temporaryFolder } from '../../helpers/folder.js';
import { type Made, made, PASSED, prefers, resultOf, writeMade } from './made-evaluation.js';

const root = temporaryFolder('hostile');

/** The result after each verdict was changed. */
function changed(given: Made, change: (verdict: Verdict, place: number) => Verdict, options: object = {}) {
  const { file, answered, verdicts } = made(given);
  const evaluation = assemble(file, answered, verdicts.map(change));
  const { result } = computeResult(evaluation, reportOptionsSchema.parse({ resamples: 400, ...options }));
  return { result, evaluation, file };
}

/** Asked in one order only. */
const inOrder = (verdict: Verdict, first: 'arm' | 'baseline'): Verdict => {
  const orders = verdict.orders.filter((order) => order.first === first);
  const [{ better }] = orders as [Verdict['orders'][number]];
  return { ...verdict, orders, x: better === 'arm' ? 1 : better === 'baseline' ? 0 : 0.5 };
};

const report = ({ result, evaluation }: Pick<ReturnType<typeof resultOf>, 'result' | 'evaluation'>) =>
  markdown(evaluationReport(result, evaluation, { lengths: {} }));

describe('a judge that is not shown two answers in an order', () => {
  it.each(['likelihood', 'length'] as const)('has no position and no consistency (%s)', (kind) => {
    // Which side is written as the first is drawn, and means nothing: here it would be 50 points.
    const { result, evaluation } = changed(
      { judges: { local: prefers(0.5) }, about: { local: { ...PASSED, kind } } },
      (verdict) => inOrder(verdict, verdict.x === 1 ? 'arm' : 'baseline'),
    );
    expect(result.judge).toMatchObject({ position: null, consistency: null, kappa: null });
    expect(result.arms.phased).toMatchObject({ position: null, consistency: null });
    expect(result.judge!.problems.join()).not.toMatch(/stands first/);
    expect(report({ result, evaluation })).not.toMatch(/in both orders/);
  });

  it('has no preference for the first in the strengths of all pairs', () => {
    const { uniform } = random(2, 'test');
    const { file, answered, verdicts } = made({
      sets: { koala: 60 },
      arms: { base: 1, phased: 1, other: 1 },
      judges: { local: prefers(0.6) },
      about: { local: { ...PASSED, kind: 'likelihood' } },
    });
    const between = verdicts
      .filter(({ arm }) => arm === 'other')
      .map((one) => ({ ...one, baseline: 'phased', orders: one.orders }));
    const drawn = [...verdicts, ...between].map((one) => inOrder(one, uniform() < 0.5 ? 'arm' : 'baseline'));
    const { result } = computeResult(assemble(file, answered, drawn), reportOptionsSchema.parse({ resamples: 200 }));
    expect(result.bradleyTerry!.order).toBeNull();
    // By hand: without an order effect and ties every pair's log-odds are fitted by three shares and two strengths.
    expect(result.bradleyTerry!.arms.base!.strength).toBe(0);
  });

  it('that measures length has nothing left at equal length, as main judge too', () => {
    const { result } = resultOf({
      lengthOf: (_arm, _row, uniform) => 100 * uniform(),
      judges: { length: ({ longerBy }) => (longerBy > 0 ? [1, 1] : [0, 0]) },
      about: { length: { kind: 'length' } },
    });
    expect(result.arms.phased!.lengthControlled).toBeNull();
  });
});

describe('orders that were drawn', () => {
  it('give the position within arms: one that wins and is drawn first more often is no bias', () => {
    // No bias at all: `strong` wins always and stood first in 36 of 40, `weak` loses always and stood first in 4.
    const { result } = changed(
      {
        arms: { base: 1, strong: 1, weak: 1 },
        judges: { gpt: ({ arm }) => (arm === 'strong' ? [1, 1] : [0, 0]) },
        about: { gpt: PASSED },
      },
      (verdict, place) =>
        inOrder(verdict, place % 10 === 0 ? 'arm' : 'baseline').arm === 'weak'
          ? inOrder(verdict, place % 10 === 0 ? 'arm' : 'baseline')
          : inOrder(verdict, place % 10 === 0 ? 'baseline' : 'arm'),
    );
    expect(result.judge!.position).toBeCloseTo(0, 10);
    expect(result.judge!.problems).toEqual([]);
  });

  it('are reported for every judge that depends on the order', () => {
    const { result } = changed(
      { judges: { local: prefers(0.5) }, about: { local: { ...PASSED, kind: 'letters' } } },
      (verdict, place) => inOrder(verdict, place % 2 === 0 ? 'arm' : 'baseline'),
    );
    expect(result.warnings.join()).toMatch(/judged in one order only/);
  });
});

describe('few verdicts', () => {
  it('that are all won do not read as if they were exact', () => {
    const { result } = resultOf({ sets: { koala: 5 }, judges: { gpt: () => [1, 1] }, about: { gpt: PASSED } });
    // 2 of the 32 ways to flip five signs.
    expect(result.arms.phased).toMatchObject({ winRate: 100, p: 2 / 32, verdict: 'not distinguishable' });
    expect(result.arms.phased!.sentence).toBe(
      'phased and base are not distinguishable: win rate 100.0 %, 5 verdicts; all verdicts are the same, which so few are by chance too often (p = 0.063).',
    );
  });
});

describe('missing verdicts', () => {
  it('are in the sentence with their bounds', () => {
    const { result } = resultOf({
      sets: { koala: 100 },
      judges: { gpt: ({ row }) => (row < 4 ? 'refusal' : row < 80 ? [1, 1] : [0, 0]) },
      about: { gpt: PASSED },
    });
    expect(result.arms.phased).toMatchObject({ n: 96, bounds: { low: 76, high: 80 }, verdict: 'better' });
    expect(result.arms.phased!.sentence).toMatch(
      /, 96 verdicts, 4 missing \(76\.0 % if all were lost, 80\.0 % if all were won\), p < 0\.0001\.$/,
    );
  });
});

describe('length control', () => {
  it('without a fit says so, and nothing of overlap', () => {
    const { result } = resultOf({
      lengthOf: (_arm, _row, uniform) => 100 * uniform(),
      judges: { gpt: () => [1, 1] },
      about: { gpt: PASSED },
    });
    expect(result.arms.phased!.lengthControlled).toMatchObject({ state: 'none' });
    expect(result.warnings.join()).toMatch(/no win rate at equal length can be computed: one side won every row/);
  });

  it('that is extrapolated is marked wherever it stands', () => {
    const made = resultOf({
      sets: { koala: 200 },
      lengthOf: (arm, row) => 100 + (arm === 'base' ? 0 : row < 20 ? -20 - (row % 7) : 20 + (row % 7)),
      judges: { gpt: prefers(0.6), other: prefers(0.6) },
      about: { gpt: PASSED, other: PASSED },
    });
    const { winRate, state } = made.result.arms.phased!.lengthControlled!;
    expect(state).toBe('extrapolated');
    const marked = `${winRate!.toFixed(1)}?`;
    expect(plainLines(summaryBlocks(made.result)).join('\n')).toContain(marked);
    expect(plainLines(summaryBlocks(made.result)).join('\n')).toMatch(/\?: extrapolated/);
    expect(report(made).split(marked).length).toBeGreaterThan(2);
  });
});

describe('runs', () => {
  it('of the baseline alone are in the intervals, and said to be', () => {
    const { file, answered, verdicts } = made({
      arms: { base: 3, phased: 1 },
      judges: { gpt: prefers(0.6) },
      about: { gpt: PASSED },
    });
    const all = [1, 2, 3].flatMap((baselineRun) => verdicts.map((one) => ({ ...one, baselineRun })));
    const evaluation = assemble(file, answered, all);
    const { result } = computeResult(evaluation, reportOptionsSchema.parse({ resamples: 200 }));
    expect(result.arms.phased).toMatchObject({ runs: 3, rows: 120, n: 120 });
    expect(report({ result, evaluation })).toMatch(/over training runs \(seeds\) and instructions/);
    expect(result.warnings.join()).toMatch(/phased: its interval is over 3 training runs, .* too narrow/);
  });

  it('all count in the strengths of all pairs', () => {
    const { file, answered, verdicts } = made({
      sets: { koala: 60 },
      arms: { base: 1, phased: 2, other: 2 },
      judges: { gpt: (pair) => prefers(pair.run === 1 ? 0.8 : 0.2)(pair) },
      about: { gpt: PASSED },
    });
    const between = verdicts
      .filter(({ arm }) => arm === 'other')
      .map((one) => ({ ...one, baseline: 'phased', baselineRun: one.run }));
    const { result } = computeResult(
      assemble(file, answered, [...verdicts, ...between]),
      reportOptionsSchema.parse({ resamples: 200 }),
    );
    // Half of the verdicts of two runs that mirror each other: near 0; the first run alone says 1.4.
    expect(Math.abs(result.bradleyTerry!.arms.phased!.strength)).toBeLessThan(0.5);
  });
});

describe('the same files', () => {
  it('give the same bytes where verdicts about nothing are in another order', () => {
    const { file, answered, verdicts } = made({ judges: { gpt: prefers(0.6) } });
    const strange = ['x2', 'x1'].map((id) => ({ ...verdicts[0]!, id }));
    const bytes = (all: Verdict[]) =>
      JSON.stringify(
        computeResult(assemble(file, answered, all), reportOptionsSchema.parse({ resamples: 200 })).result,
      );
    expect(bytes([...strange.toReversed(), ...verdicts])).toBe(bytes([...verdicts, ...strange]));
  });

  it('give the same bytes wherever models lie', () => {
    const bytes = (home: string) => {
      const { file, answered, verdicts } = made({
        judges: { gpt: prefers(0.6) },
        about: { gpt: { ...PASSED, about: { model: `${home}/models/judge-1` } } },
      });
      const runs = [{ source: `${home}/run`, model: { path: `${home}/models/base-1`, files: {} } }];
      const placed = { ...file, arms: { base: { runs }, phased: { runs } } };
      const evaluation = assemble(placed, answered, verdicts);
      return JSON.stringify(computeResult(evaluation, reportOptionsSchema.parse({ resamples: 200 })).result);
    };
    expect(bytes('/home/llama')).toBe(bytes('/srv'));
  });

  it('give the same bytes in another folder, with lines in another order', async () => {
    const bytes = async (name: string, reversed: boolean) => {
      const folder = join(root, name);
      const whole = made({
        sets: { koala: 30, vicuna: 3 },
        arms: { base: 3, one: 1, two: 3 },
        judges: { gpt: prefers(0.6, 0.2), length: prefers(0.5) },
        about: { gpt: PASSED, length: { kind: 'length', control: true } },
      });
      const verdicts = [1, 2, 3].flatMap((baselineRun) =>
        whole.verdicts.flatMap((one) =>
          one.arm === 'one' || one.run === baselineRun ? [{ ...one, baselineRun }] : [],
        ),
      );
      // A run that is not there, named from where the evaluation was begun.
      const runs = [{ source: 'gone', trained: { run: 'checkpoints/gone', stage: 3 }, answers: 'x' }];
      const file = { ...whole.file, begunIn: folder, arms: { ...whole.file.arms, one: { runs } } };
      writeMade(folder, { ...whole, file, verdicts: reversed ? verdicts.toReversed() : verdicts });
      const { written, result } = await reportEvaluation({ folder, resamples: 200 });
      expect(result.diagnosis!.one!.signatures[0]!.evidence).toContain(
        'The run of one cannot be read: checkpoints/gone',
      );
      return Object.fromEntries(written.map((path) => [relative(folder, path), readFileSync(path, 'utf8')]));
    };
    const files = await bytes('here', false);
    expect(await bytes('there/below', true)).toEqual(files);
    const board = files['leaderboard.csv']!.trim().split('\n');
    // One run against three of the baseline is one model with three times the pairs; the length-controlled rate is
    // over all runs, so a line about one of several has none.
    const header = board[0]!.split(',');
    const cells = Object.fromEntries(board.slice(1).map((line) => [line.split(',')[0], line.split(',')]));
    expect(Object.keys(cells).sort()).toEqual(['one', 'two (run 1)', 'two (run 2)', 'two (run 3)']);
    expect(cells.one![header.indexOf('n_total')]).toMatch(/^99(\.0)?$/);
    expect(cells.one![header.indexOf('length_controlled_winrate')]).not.toBe('');
    expect(cells['two (run 1)']![header.indexOf('length_controlled_winrate')]).toBe('');
  });
});
