import { dataError } from '../../core/errors.js';
import { showSome } from '../../core/shown.js';
import type { AnswerRow } from '../answers/answer-row.js';
import { readAnswerRows } from '../answers/read-answer-rows.js';
import { type EvalFile, evalPaths, readEvalFile } from '../eval-file.js';
import type { Verdict } from '../verdicts/verdict.js';
import { readVerdicts } from '../verdicts/verdict-file.js';

/** A row that arms answered. */
export interface RatedRow extends Pick<AnswerRow, 'id' | 'instruction' | 'score' | 'band' | 'reference'> {
  readonly set: string;
}

/** An arm's answers: for each of its runs those to the rows, in their order; undefined where it did not answer. */
export type ArmAnswers = readonly (readonly (AnswerRow | undefined)[])[];

/** An evaluation, read. */
export interface Evaluation {
  readonly file: EvalFile;
  /** The rows of all sets, one set after the other. */
  readonly rows: readonly RatedRow[];
  /** By arm, in the order of `eval.json`. */
  readonly arms: ReadonlyMap<string, ArmAnswers>;
  readonly verdicts: readonly Verdict[];
}

/** The answers of one run of an arm to a set. */
export interface AnsweredSet {
  readonly arm: string;
  /** From 1. */
  readonly run: number;
  readonly set: string;
  /** For messages. */
  readonly file: string;
  readonly answers: readonly AnswerRow[];
}

/**
 * Reads an evaluation's folder. Data errors: a folder that is none, a broken line (named), arms that answered other
 * rows, no answers at all.
 *
 * @example
 * const { rows, arms, verdicts } = await readEvaluation('evals/first');
 * console.log(rows.length, 'rows,', verdicts.length, 'verdicts,', arms.get('base')?.[0]?.[0]?.output);
 */
export async function readEvaluation(folder: string): Promise<Evaluation> {
  const evaluation = await readBegunEvaluation(folder);
  if (evaluation.rows.length === 0)
    throw dataError(`${folder}: there are no answers in it`, {
      file: folder,
      remedies: [{ task: 'eval answer', options: { out: folder }, note: 'first' }],
    });
  return evaluation;
}

/** As {@link readEvaluation}, of an evaluation that may have no answers yet. */
export async function readBegunEvaluation(folder: string): Promise<Evaluation> {
  const file = await readEvalFile(folder);
  const paths = evalPaths(folder);
  const answered: AnsweredSet[] = [];
  for (const [arm, { runs }] of Object.entries(file.arms))
    for (let run = 1; run <= runs.length; run++)
      for (const { name: set } of file.sets) {
        const path = paths.answers(arm, run, set);
        answered.push({ arm, run, set, file: path, answers: await readAnswerRows(path) });
      }
  return assemble(file, answered, await readVerdicts(paths.verdicts));
}

/** Puts answers and verdicts together. Throws a data error where arms answered other rows of a set. */
export function assemble(file: EvalFile, answered: readonly AnsweredSet[], verdicts: readonly Verdict[]): Evaluation {
  const rows: RatedRow[] = [];
  const placeOf = new Map<string, ReadonlyMap<string, number>>();
  for (const { name: set } of file.sets) {
    const fullest = answered
      .filter((one) => one.set === set)
      .reduce<AnsweredSet | undefined>((x, y) => (x && x.answers.length >= y.answers.length ? x : y), undefined);
    const places = new Map<string, number>();
    for (const { id, instruction, score, band, reference } of fullest?.answers ?? []) {
      places.set(id, rows.length);
      rows.push({ set, id, instruction, score, band, reference });
    }
    placeOf.set(set, places);
  }
  const arms = new Map<string, (AnswerRow | undefined)[][]>();
  for (const [arm, { runs }] of Object.entries(file.arms))
    arms.set(
      arm,
      runs.map(() => new Array<AnswerRow | undefined>(rows.length).fill(undefined)),
    );
  for (const one of answered) {
    const places = placeOf.get(one.set)!;
    checkSame(one, rows, places);
    for (const answer of one.answers) arms.get(one.arm)![one.run - 1]![places.get(answer.id)!] = answer;
  }
  return { file, rows, arms, verdicts };
}

/** Ids that an error lists at most. */
const LISTED = 5;

function checkSame(
  { arm, set, file, answers }: AnsweredSet,
  rows: readonly RatedRow[],
  places: ReadonlyMap<string, number>,
): void {
  const strange = answers.filter(({ id, instruction }) => rows[places.get(id) ?? -1]?.instruction !== instruction);
  if (strange.length === 0) return;
  const ids = showSome(
    strange.map(({ id }) => id),
    LISTED,
  );
  throw dataError(
    `${file}: ${arm} answered other rows of ${set} than another arm: ${ids}; expected answers to the same rows`,
    { file, rows: ids },
  );
}
