import { expect, it } from 'vitest';
import { readEvaluation } from '../../../src/eval/result/evaluation.js';
import { runRates } from '../../../src/eval/result/run-rates.js';
import { judgeAnswers } from '../../../src/workflow/eval-judge.js';
import { reportEvaluation } from '../../../src/workflow/eval-report.js';
import { outputs } from '../../helpers/eval-judging.js';
import { writeEvaluation } from '../../helpers/evaluation.js';
import { temporaryFolder } from '../../helpers/folder.js';

const folder = () => `${temporaryFolder('run-rates')}/evaluation`;

it('the rate of each run, whose mean is the result of the arm', async () => {
  const dir = folder();
  const base = [outputs('b', 40, (i) => 10 + (i % 3)), outputs('c', 40, (i) => 9 + (i % 5))];
  const phased = [outputs('p', 40, (i) => 5 + ((i * 7) % 13)), outputs('q', 40, (i) => 6 + ((i * 5) % 11))];
  writeEvaluation(dir, { base, phased, mixed: [phased[1]!, phased[0]!] });
  await judgeAnswers({ folder: dir, judge: 'length', controls: [] }).result;
  const { result } = await reportEvaluation({ folder: dir, resamples: 100 });
  const { judge, rates, problems } = runRates(await readEvaluation(dir), 0.05);
  expect(judge).toBe('length');
  expect(rates.map(({ arm, run, baselineRun, missing }) => [arm, run, baselineRun, missing])).toEqual([
    ['phased', 1, 1, 0],
    ['phased', 2, 2, 0],
    ['mixed', 1, 1, 0],
    ['mixed', 2, 2, 0],
  ]);
  // Counted by hand: the longer answer wins, equal lengths are half a win.
  const lengths = (text: string) => text.length;
  const ids = Object.keys(base[0]!);
  const expected = phased.map((run, k) => {
    const wins = ids.map((id) => (Math.sign(lengths(run[id]!) - lengths(base[k]![id]!)) + 1) / 2);
    return (100 * wins.reduce((sum, x) => sum + x, 0)) / ids.length;
  });
  expect(rates.slice(0, 2).map(({ winRate }) => winRate)).toEqual(expected);
  for (const arm of ['phased', 'mixed']) {
    const [one, two] = rates.filter((rate) => rate.arm === arm).map(({ winRate }) => winRate!);
    expect((one! + two!) / 2).toBeCloseTo(result.arms[arm]!.winRate!, 12);
  }
  expect(problems).toEqual(
    result.judge!.problems.map((problem) => `the figures of the judge length are exploratory: ${problem}`),
  );
});

it('what is missing is no score, and too much of it is a problem, as in the result', async () => {
  const dir = folder();
  const whole = outputs('b', 40, (i) => 10 + (i % 3));
  const some = Object.fromEntries(Object.entries(outputs('p', 40, (i) => 5 + ((i * 7) % 13))).slice(0, 36));
  writeEvaluation(dir, { base: whole, phased: some });
  await judgeAnswers({ folder: dir, judge: 'length', controls: [] }).result;
  const { result } = await reportEvaluation({ folder: dir, resamples: 100, maxMissing: 0.05 });
  const strict = runRates(await readEvaluation(dir), 0.05);
  expect(strict.rates).toEqual([
    { arm: 'phased', run: 1, baselineRun: 1, winRate: result.arms.phased!.winRate, missing: 4 },
  ]);
  expect(result.missing.problems).toHaveLength(1);
  expect(strict.problems).toContain(result.missing.problems[0]);
  expect(runRates(await readEvaluation(dir), 0.2).problems).not.toContain(result.missing.problems[0]);
});

it('without a judge there are no rates, and that is a problem', async () => {
  const dir = folder();
  writeEvaluation(dir, { base: outputs('b', 3, () => 3), phased: outputs('p', 3, () => 4) });
  expect(runRates(await readEvaluation(dir), 0.05)).toEqual({
    judge: undefined,
    rates: [],
    problems: ['nobody judged the answers'],
  });
});
