import { winRate } from '../../statistics/win-rate.js';
import { calibratedEvaluation } from './calibrated.js';
import type { Evaluation } from './evaluation.js';
import { orNull } from './interval-batch.js';
import { headlineJudge, judgeFigures } from './judge-figures.js';
import { missingFigures } from './missing.js';
import { indexVerdicts, lengthsOf, scoringOf } from './scores.js';

/** How one run of an arm does against the run of the baseline that it is paired with. */
export interface RunRate {
  readonly arm: string;
  /** Both from 1. */
  readonly run: number;
  readonly baselineRun: number;
  /** Mean score of the rows that have one, in percent; null without any. */
  readonly winRate: number | null;
  readonly missing: number;
}

/** The win rates of all runs, and what speaks against them. */
export interface RunRates {
  /** Undefined where nobody judged. */
  readonly judge: string | undefined;
  readonly rates: readonly RunRate[];
  /** Why no verdict may be drawn from them, as the result has it; empty where one may. */
  readonly problems: readonly string[];
}

/**
 * Win rates run by run. Their mean over the runs of an arm is the arm's in the result, if as many verdicts are there
 * of each run.
 *
 * @param maxMissing largest share of missing verdicts of an arm that is no problem.
 */
export function runRates(read: Evaluation, maxMissing: number): RunRates {
  const { evaluation } = calibratedEvaluation(read);
  const { file } = evaluation;
  const judge = headlineJudge(file);
  if (judge === undefined) return { judge, rates: [], problems: ['nobody judged the answers'] };
  const lookup = { evaluation, lengths: lengthsOf(evaluation), verdicts: indexVerdicts(evaluation.verdicts) };
  const arms = Object.keys(file.arms).filter((arm) => arm !== file.baseline);
  const scorings = arms.map((arm) => scoringOf(lookup, judge, arm, file.baseline));
  const rates = scorings.flatMap(({ arm, pairs }) =>
    pairs.map((rows): RunRate => {
      const { run = 1, baselineRun = 1 } = rows[0] ?? {};
      const scores = rows.map(({ x }) => x);
      return { arm, run, baselineRun, winRate: orNull(winRate([scores])), missing: scores.filter(Number.isNaN).length };
    }),
  );
  const { problems } = judgeFigures(judge, file.judges[judge]!, scorings);
  return {
    judge,
    rates,
    problems: [
      ...problems.map((problem) => `the figures of the judge ${judge} are exploratory: ${problem}`),
      ...missingFigures(scorings, maxMissing).missing.problems,
    ],
  };
}
