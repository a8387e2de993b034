import { quantile } from '../../statistics/bootstrap.js';
import { formatCount } from '../../telemetry/format.js';
import type { AnswerRow } from '../answers/answer-row.js';
import { meetsAll } from '../checks/constraints.js';
import { checkRates } from '../checks/rates.js';
import type { ArmAnswers, Evaluation } from './evaluation.js';
import { type IntervalBatch, meanOf } from './interval-batch.js';
import type { AnswerFigures, EvaluationResult } from './result.js';
import { type Lengths, runPairs } from './scores.js';

/**
 * Checks that say that something is wrong with an answer, from which share on that is worth a
 * warning, and its words.
 */
const FLAWS = [
  ['empty', 0.05, 'are empty'],
  ['cut', 0.1, 'were cut off at the most tokens that an answer may have'],
  ['loop', 0.05, 'repeat themselves to their end'],
  ['refusal', 0.1, 'begin as a refusal does'],
  ['copy', 0.05, 'copy more than half of themselves from the instruction'],
  ['otherScript', 0.05, 'are written in another script than the instruction'],
] as const;

/** What the local checks found in the answers of all runs of each arm. */
export const answerFigures = ({ arms }: Evaluation, lengths: Lengths, level: number): Record<string, AnswerFigures> =>
  Object.fromEntries(
    [...arms].map(([arm, runs]) => {
      const answers = runs.flat().filter((one) => one !== undefined);
      const sorted = Float64Array.from(
        lengths.get(arm)!.flatMap((run) => [...run].filter((n) => !Number.isNaN(n))),
      ).sort();
      const counts = Object.fromEntries(
        FLAWS.map(([check]) => [check, answers.filter(({ checks }) => checks[check]).length]),
      ) as Record<(typeof FLAWS)[number][0], number>;
      const length =
        sorted.length === 0
          ? null
          : { low: quantile(sorted, 0.25), median: quantile(sorted, 0.5), high: quantile(sorted, 0.75) };
      const rates = checkRates(
        answers.map(({ checks }) => checks),
        level,
      );
      return [arm, { answers: answers.length, ...counts, length, rates }];
    }),
  );

/** What is worth a warning before any verdict. */
export function answerWarnings(figures: Readonly<Record<string, AnswerFigures>>): string[] {
  return Object.entries(figures).flatMap(([arm, figure]) =>
    FLAWS.flatMap(([check, share, words]) =>
      figure.answers > 0 && figure[check] >= share * figure.answers
        ? [
            `${arm}: ${formatCount(figure[check])} of ${formatCount(figure.answers)} answers (${((100 * figure[check]) / figure.answers).toFixed(0)} %) ${words}`,
          ]
        : [],
    ),
  );
}

/** A number that an answer is worth; undefined where it has none. */
type Measure = (answer: AnswerRow) => number | undefined;

const flag = (value: boolean | null | undefined): number | undefined =>
  value === undefined || value === null ? undefined : Number(value);

const MATCHES: Readonly<Record<string, Measure>> = {
  exact: ({ checks }) => flag(checks.exactMatch),
  normalized: ({ checks }) => flag(checks.normalizedMatch),
  json: ({ checks }) => flag(checks.jsonMatch),
  constraintsStrict: ({ checks }) => flag(checks.constraints && meetsAll(checks.constraints, 'strict')),
  constraintsLoose: ({ checks }) => flag(checks.constraints && meetsAll(checks.constraints, 'loose')),
};

/** Nats per token. */
const lossOf: Measure = ({ loss }) => (loss && loss.tokens > 0 ? loss.sum / loss.tokens : undefined);

/** Values of a measure for each run and row; NaN where it is not defined. */
const valuesOf = (runs: ArmAnswers, measure: Measure): Float64Array[] =>
  runs.map((answers) => Float64Array.from(answers, (answer) => (answer && measure(answer)) ?? Number.NaN));

function armMeans(
  evaluation: Evaluation,
  measure: Measure,
  batch: IntervalBatch,
  { scale, comparable = () => true }: { scale: number; comparable?: (answer: AnswerRow, other: AnswerRow) => boolean },
) {
  const { arms, file } = evaluation;
  const all = new Map([...arms].map(([arm, runs]) => [arm, valuesOf(runs, measure)]));
  if (![...all.values()].flat().some((run) => run.some((value) => !Number.isNaN(value)))) return undefined;
  const base = all.get(file.baseline)!;
  const added = [...all].map(([arm, runs]) => {
    const differences = runPairs(base.length, runs.length).map(({ run, baselineRun }) =>
      runs[run - 1]!.map((value, row) => {
        const [own, other] = [arms.get(arm)![run - 1]![row], arms.get(file.baseline)![baselineRun - 1]![row]];
        return own && other && comparable(own, other) ? value - base[baselineRun - 1]![row]! : Number.NaN;
      }),
    );
    return [arm, batch.add(runs), arm === file.baseline ? undefined : batch.add(differences)] as const;
  });
  return () =>
    Object.fromEntries(
      added.map(([arm, mean, difference]) => [
        arm,
        { ...meanOf(mean(), scale), difference: difference ? meanOf(difference(), scale) : null },
      ]),
    );
}

/** Matches with references and constraints met, in percent of rows; only those that some row has. */
export function matchFigures(evaluation: Evaluation, batch: IntervalBatch): () => EvaluationResult['matches'] {
  const added = Object.entries(MATCHES).flatMap(([name, measure]) => {
    const means = armMeans(evaluation, measure, batch, { scale: 100 });
    return means ? [[name, means] as const] : [];
  });
  return () => Object.fromEntries(added.map(([name, means]) => [name, means()]));
}

/** Losses per token are of the same tokens only if there are as many. */
const sameTokens = (answer: AnswerRow, other: AnswerRow): boolean => answer.loss?.tokens === other.loss?.tokens;

/**
 * Loss on the references, in nats per token, mean over rows; empty where nothing was measured. Differences are of rows
 * whose reference has as many tokens for both models.
 */
export const lossFigures = (evaluation: Evaluation, batch: IntervalBatch): (() => EvaluationResult['losses']) =>
  armMeans(evaluation, lossOf, batch, { scale: 1, comparable: sameTokens }) ?? (() => ({}));
