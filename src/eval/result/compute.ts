import { usageError } from '../../core/errors.js';
import { answerFigures, answerWarnings, lossFigures, matchFigures } from './answer-figures.js';
import { type ArmContext, addArm, armResults, lengthControlOf } from './arm-results.js';
import { addControl, compareJudges } from './controls.js';
import type { Evaluation } from './evaluation.js';
import { intervalBatch } from './interval-batch.js';
import { headlineJudge, judgeFigures } from './judge-figures.js';
import { missingFigures } from './missing.js';
import type { ReportOptions } from './options.js';
import type { EvaluationResult } from './result.js';
import { indexVerdicts, type Lookup, lengthsOf, scoringOf } from './scores.js';
import { strengthsOf } from './strengths.js';
import { type ArmPlot, armPlot, type FittedArm, surprisingRows } from './surprising.js';
import { judgeWarnings, strangers, unanswered } from './warnings.js';

/** The result, and what its pictures are drawn from. */
export interface ComputedResult {
  readonly result: EvaluationResult;
  readonly plots: readonly ArmPlot[];
}

/**
 * The result of an evaluation. The same evaluation and options give the same result. Throws a usage
 * error where there is only one arm, or `against` is no judge beside the main one.
 *
 * @example
 * const evaluation = await readEvaluation('evals/first');
 * const { result } = computeResult(evaluation, reportOptionsSchema.parse({ level: 0.9, resamples: 1000 }));
 * for (const [arm, { winRate, pHolm }] of Object.entries(result.arms)) console.log(arm, winRate, pHolm);
 */
export function computeResult(evaluation: Evaluation, options: ReportOptions): ComputedResult {
  const { file, rows } = evaluation;
  const arms = Object.keys(file.arms).filter((arm) => arm !== file.baseline);
  if (arms.length === 0)
    throw usageError(`${file.baseline} is the only arm; expected at least one to compare with it`, {
      option: 'arms',
      remedies: [{ task: 'eval answer', note: 'with another arm' }],
    });
  const { level, resamples, seed, maxMissing } = options;
  const strata = strataOf(evaluation);
  const lengths = lengthsOf(evaluation);
  const batch = intervalBatch(strata, { level, resamples, seed });
  const context: ArmContext = { evaluation, lengths, strata, batch, options: { level, resamples, seed } };
  const matches = matchFigures(evaluation, batch);
  const losses = lossFigures(evaluation, batch);
  const judged = judgedBy(context, arms, options);
  const answers = answerFigures(evaluation, lengths, level);
  const { warnings, plots, ...figures } = judged();
  const result: EvaluationResult = {
    schema: 'phasetune/evaluation-result',
    version: 1,
    baseline: file.baseline,
    level,
    resamples,
    seed,
    maxMissing,
    sets: file.sets.map(({ name }) => ({ name, rows: rows.filter(({ set }) => set === name).length })),
    rows: rows.length,
    ...figures,
    matches: matches(),
    losses: losses(),
    answers,
    warnings: [
      ...unanswered(evaluation),
      ...answerWarnings(answers),
      ...warnings,
      ...strangers(evaluation, evaluation.verdicts),
    ],
  };
  return { result, plots };
}

const strataOf = ({ file, rows }: Evaluation): Int32Array => {
  const places = new Map(file.sets.map(({ name }, i) => [name, i]));
  return Int32Array.from(rows, ({ set }) => places.get(set)!);
};

/**
 * The pairs of every arm as the main judge sees them, with the fit of their scores to the difference in length and
 * without any interval: what a result's pictures and its most surprising rows come from. Empty without a judge.
 */
export function fittedArms(evaluation: Evaluation): FittedArm[] {
  const { file } = evaluation;
  const judge = headlineJudge(file);
  if (judge === undefined) return [];
  const lengths = lengthsOf(evaluation);
  const lookup: Lookup = { evaluation, lengths, verdicts: indexVerdicts(evaluation.verdicts) };
  const context = { evaluation, strata: strataOf(evaluation), options: { level: 0.95, resamples: 0, seed: 0 } };
  return Object.keys(file.arms)
    .filter((arm) => arm !== file.baseline)
    .map((arm) => {
      const scoring = scoringOf(lookup, judge, arm, file.baseline);
      return { scoring, control: lengthControlOf(scoring, context, 0) };
    });
}

/** What judges say. */
type Judged = Pick<
  EvaluationResult,
  'judge' | 'arms' | 'controls' | 'missing' | 'surprising' | 'against' | 'bradleyTerry' | 'warnings'
> &
  Pick<ComputedResult, 'plots'>;

const NOBODY: Judged = {
  judge: null,
  arms: {},
  controls: {},
  missing: { pairs: 0, missing: 0, by: {}, pDiffers: null, problems: [] },
  surprising: [],
  plots: [],
  warnings: ['nobody judged these answers: there is no win rate'],
};

/** Adds the verdicts of all judges to the batch; what it returns computes their figures. */
function judgedBy(context: ArmContext, arms: readonly string[], options: ReportOptions): () => Judged {
  const { evaluation, lengths } = context;
  const { file } = evaluation;
  const name = headlineJudge(file);
  checkAgainst(options.against, Object.keys(file.judges), name);
  if (name === undefined) return () => NOBODY;
  const lookup: Lookup = { evaluation, lengths, verdicts: indexVerdicts(evaluation.verdicts) };
  const scoringsOf = (judge: string) => arms.map((arm) => scoringOf(lookup, judge, arm, file.baseline));
  const scorings = scoringsOf(name);
  const added = scorings.map((scoring) => addArm(scoring, context));
  const others = Object.keys(file.judges).filter((other) => other !== name);
  const controls = others.map((other) => [other, addControl(other, scoringsOf(other), scorings, context)] as const);
  return () => {
    const judge = judgeFigures(name, file.judges[name]!, scorings);
    const { missing, withheld } = missingFigures(scorings, options.maxMissing);
    const results = armResults(added, context, { withheld, judge });
    const beside = Object.fromEntries(controls.map(([other, figures]) => [other, figures()]));
    const { against } = options;
    const bradleyTerry = strengthsOf(name, lookup, context);
    return {
      judge,
      arms: results,
      controls: beside,
      missing,
      surprising: surprisingRows(added, evaluation.rows),
      plots: added.map(armPlot),
      ...(against !== undefined && {
        against: compareJudges({ judge: name, other: against }, added, scoringsOf(against), beside[against]!),
      }),
      ...(bradleyTerry && { bradleyTerry }),
      warnings: judgeWarnings(file, judge, results),
    };
  };
}

function checkAgainst(against: string | undefined, judges: readonly string[], main: string | undefined): void {
  if (against === undefined || (judges.includes(against) && against !== main)) return;
  const others = judges.filter((judge) => judge !== main);
  const known = others.length > 0 ? others.join(', ') : 'none: there is no other judge';
  const what = against === main ? 'is the main judge itself' : 'is no judge of this evaluation';
  throw usageError(`\`against\`: ${against} ${what}; expected another judge (${known})`, {
    option: 'against',
    name: against,
  });
}
