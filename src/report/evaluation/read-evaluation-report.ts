import { groupBy } from '../../core/lists.js';
import type { Message } from '../../data/record.js';
import type { AnswerRow } from '../../eval/answers/answer-row.js';
import type { EvalFile } from '../../eval/eval-file.js';
import { countsOf } from '../../eval/result/arm-results.js';
import { withTemperatures } from '../../eval/result/calibrated.js';
import { fittedArms } from '../../eval/result/compute.js';
import { type Evaluation, readBegunEvaluation } from '../../eval/result/evaluation.js';
import { headlineJudge } from '../../eval/result/judge-figures.js';
import { readResult } from '../../eval/result/read-result.js';
import type { EvaluationResult } from '../../eval/result/result.js';
import { codePoints } from '../../eval/result/scores.js';
import { type ArmPlot, armPlot, type FittedArm, surprisingPairs } from '../../eval/result/surprising.js';
import type { Verdict } from '../../eval/verdicts/verdict.js';
import { formatCount } from '../../telemetry/format.js';
import { hide } from '../../telemetry/redact.js';

/** How far an arm's answers to a set are. */
export interface AnsweredRows {
  readonly arm: string;
  readonly run: number;
  readonly set: string;
  readonly answered: number;
  /** Rows that are to be answered. */
  readonly rows: number;
}

/** How far a judge is with an arm. */
export interface JudgedPairs {
  readonly judge: string;
  readonly arm: string;
  /** Verdicts, those that are missing for a reason, and pairs of answers that there are. */
  readonly judged: number;
  readonly missing: number;
  readonly pairs: number;
}

/** One side of a pair, cut to what a page shows. */
export interface ShownAnswer {
  readonly output: string;
  /** Length of the whole answer in characters (code points). */
  readonly characters: number;
  readonly tokens: number | undefined;
  readonly finish: AnswerRow['finish'];
}

/** Two answers to a row, side by side. */
export interface ShownPair {
  readonly set: string;
  readonly id: string;
  readonly arm: string;
  readonly run: number;
  readonly score: number | undefined;
  readonly band: number | undefined;
  /** The turns before the answer; a conversation has several. */
  readonly messages: readonly Pick<Message, 'role' | 'content'>[];
  readonly reference: string | undefined;
  readonly baselineAnswer: ShownAnswer | undefined;
  readonly armAnswer: ShownAnswer | undefined;
  /** The arm's score by the main judge, and what was to be expected; null without a verdict. */
  readonly x: number | null;
  readonly expected: number | null;
  /** Of all judges, the main one first. */
  readonly verdicts: readonly Verdict[];
}

/** What a page of an evaluation shows. */
export interface EvaluationReport {
  /** As it was given. */
  readonly folder: string;
  readonly file: EvalFile;
  /** Rows that somebody answered. */
  readonly rows: number;
  readonly answered: readonly AnsweredRows[];
  readonly judged: readonly JudgedPairs[];
  /** Undefined where none was computed, or where the files have changed since. */
  readonly result: EvaluationResult | undefined;
  /** True where the result is of other verdicts than those that are there. */
  readonly outdated: boolean;
  readonly plots: readonly ArmPlot[];
  /** Row texts, only where they were asked for. */
  readonly pairs: readonly ShownPair[];
}

/** What is read of an evaluation. */
export interface EvaluationReading {
  /** Pairs of answers to show, the most surprising first [0]: with texts of rows. */
  readonly answers?: number | undefined;
}

/**
 * Reads an evaluation for a page: its result, where `reportEvaluation` has computed one, how far it is otherwise, and
 * `answers` pairs of answers. Throws a data error for a folder that is none, and for broken lines.
 *
 * @example
 * const { result, pairs } = await readEvaluationReport('evals/first', { answers: 10 });
 * console.log(Object.values(result?.arms ?? {}).map(({ sentence }) => sentence), pairs.length);
 */
export async function readEvaluationReport(
  folder: string,
  { answers = 0 }: EvaluationReading = {},
): Promise<EvaluationReport> {
  const read = await readBegunEvaluation(folder);
  const found = await readResult(folder);
  const evaluation = withTemperatures(read, found?.calibration ?? {});
  const arms = fittedArms(evaluation);
  const outdated = found !== undefined && !describes(found, evaluation, arms);
  return {
    folder,
    file: read.file,
    rows: read.rows.length,
    answered: answeredRows(read),
    judged: judgedPairs(read),
    result: outdated ? undefined : found,
    outdated,
    plots: outdated || !found ? [] : arms.map(armPlot),
    pairs: answers > 0 ? shownPairs(evaluation, arms, answers) : [],
  };
}

/** Whether a result has the verdicts that are there: their number by what they say, arm by arm. */
function describes(result: EvaluationResult, { file, rows }: Evaluation, arms: readonly FittedArm[]): boolean {
  if (result.rows !== rows.length || result.baseline !== file.baseline) return false;
  if (!result.judge) return Object.keys(file.judges).length === 0;
  if (result.judge.name !== headlineJudge(file)) return false;
  if (Object.keys(result.arms).length !== arms.length) return false;
  return arms.every(({ scoring }) => {
    const own = result.arms[scoring.arm];
    if (!own) return false;
    const { wins, ties, losses, missing } = countsOf(scoring);
    return own.wins === wins && own.ties === ties && own.losses === losses && own.missing === missing;
  });
}

function answeredRows({ file, rows, arms }: Evaluation): AnsweredRows[] {
  return [...arms].flatMap(([arm, runs]) =>
    runs.flatMap((answers, run) =>
      file.sets.map(({ name: set, chosen }) => ({
        arm,
        run: run + 1,
        set,
        answered: answers.filter((answer, row) => answer && rows[row]!.set === set).length,
        rows: chosen,
      })),
    ),
  );
}

function judgedPairs({ file, rows, arms, verdicts }: Evaluation): JudgedPairs[] {
  const names = Object.keys(file.arms).filter((arm) => arm !== file.baseline);
  return Object.keys(file.judges).flatMap((judge) =>
    names.map((arm) => {
      const own = verdicts.filter((one) => one.judge === judge && one.arm === arm && one.baseline === file.baseline);
      const missing = own.filter(({ x }) => x === null).length;
      const runs = Math.max(arms.get(arm)!.length, arms.get(file.baseline)!.length);
      return { judge, arm, judged: own.length - missing, missing, pairs: rows.length * runs };
    }),
  );
}

/** Characters of a text that a page shows. */
const SHOWN = 6000;

/** The beginning of a long text, and how much is left out; a secret is hidden before it could be cut in two. */
function shortened(whole: string): string {
  if (whole.length <= SHOWN) return whole;
  const text = hide(whole);
  const end = /[\ud800-\udbff]/.test(text.charAt(SHOWN - 1)) ? SHOWN - 1 : SHOWN;
  return `${text.slice(0, end)}… (${formatCount(text.length - end)} more characters)`;
}

/** Which two answers are compared. */
interface PairPlace {
  readonly row: number;
  readonly arm: string;
  readonly run: number;
  readonly baselineRun: number;
}

function shownPairs(evaluation: Evaluation, arms: readonly FittedArm[], most: number): ShownPair[] {
  const main = headlineJudge(evaluation.file);
  const byPair = groupBy(evaluation.verdicts, ({ set, id, baseline, arm, run, baselineRun }) =>
    JSON.stringify([set, id, baseline, arm, run, baselineRun]),
  );
  return choosePairs(evaluation, arms, most).map(({ x, expected, ...place }) => {
    const { set, id } = evaluation.rows[place.row]!;
    const { arm, run, baselineRun } = place;
    const said = byPair.get(JSON.stringify([set, id, evaluation.file.baseline, arm, run, baselineRun])) ?? [];
    const verdicts = said.toSorted((one, other) => Number(other.judge === main) - Number(one.judge === main));
    return shownPair(evaluation, place, { x, expected, verdicts });
  });
}

/** The most surprising pairs; where nobody judged, those of the first rows. */
function choosePairs(
  { rows, file }: Evaluation,
  arms: readonly FittedArm[],
  most: number,
): (PairPlace & Pick<ShownPair, 'x' | 'expected'>)[] {
  const surprising = surprisingPairs(arms).slice(0, most);
  if (surprising.length > 0)
    return surprising.map(({ arm, pair: { row, run, baselineRun, x }, expected }) => ({
      row,
      arm,
      run,
      baselineRun,
      x,
      expected,
    }));
  const names = Object.keys(file.arms).filter((arm) => arm !== file.baseline);
  const first = Math.ceil(most / Math.max(1, names.length));
  return [...rows.keys()]
    .slice(0, first)
    .flatMap((row) => names.map((arm) => ({ row, arm, run: 1, baselineRun: 1, x: null, expected: null })))
    .slice(0, most);
}

function shownPair(
  { rows, arms, file }: Evaluation,
  { row, arm, run, baselineRun }: PairPlace,
  said: Pick<ShownPair, 'x' | 'expected' | 'verdicts'>,
): ShownPair {
  const { set, id, score, band, instruction, reference } = rows[row]!;
  const base = arms.get(file.baseline)![baselineRun - 1]?.[row];
  const own = arms.get(arm)![run - 1]?.[row];
  const messages = own?.messages ?? base?.messages ?? [{ role: 'user' as const, content: instruction }];
  return {
    set,
    id,
    arm,
    run,
    score,
    band,
    messages: messages.map(({ role, content }) => ({ role, content: shortened(content) })),
    reference: reference === undefined ? undefined : shortened(reference),
    baselineAnswer: base && shownAnswer(base),
    armAnswer: own && shownAnswer(own),
    ...said,
  };
}

const shownAnswer = ({ output, tokens, finish }: AnswerRow): ShownAnswer => ({
  output: shortened(output),
  characters: codePoints(output),
  tokens,
  finish,
});
