import { dataError } from '../../core/errors.js';
import { show } from '../../core/shown.js';
import { isRow, type RawRow } from '../../data/fields.js';
import type { Verdict } from '../verdicts/verdict.js';
import { instructionOf, objectsOf, optionalText, requiredText } from './model-outputs.js';

/** A row of AlpacaEval's `annotations.json`: what an annotator says about two answers to an instruction. */
export interface Annotation {
  /** Where it stands in its file, for messages. */
  readonly place: string;
  readonly instruction: string;
  readonly output1: string;
  readonly output2: string;
  /** Names of the models: the reference, and the one that is compared with it. */
  readonly generator1: string;
  readonly generator2: string;
  readonly annotator: string;
  readonly dataset?: string | undefined;
  /** 1: the first answer is better, 2: the second, 1.5: neither, and what is between; null if missing. */
  readonly preference: number | null;
  /** The verdict that phasetune wrote it from. */
  readonly own?: OwnVerdict | undefined;
  /** All other fields, as they are. */
  readonly rest: RawRow;
}

/** What AlpacaEval has no fields for. */
export type OwnVerdict = Pick<Verdict, 'id' | 'run' | 'baselineRun' | 'state' | 'x' | 'orders' | 'reason'>;

/** The field that has {@link OwnVerdict}. */
const OWN = 'phasetune';

/** What AlpacaEval's cache has for a missing preference, and its first versions for a tie. */
const [MISSING, OLD_TIE] = [-1, 0];

function preferenceOf(row: RawRow, place: string): number | null {
  const given = row.preference;
  if (given === null || given === undefined || given === '') return null;
  const value = typeof given === 'string' ? Number(given) : given;
  if (value === MISSING) return null;
  if (value === OLD_TIE) return 1.5;
  if (typeof value === 'number' && value >= 1 && value <= 2) return value;
  throw dataError(
    `${place}: expected a preference from 1 (the first answer) to 2 (the second), 0 for a tie, or null, found ${show(given)}`,
    { field: 'preference' },
  );
}

const STATES: readonly unknown[] = ['judged', 'equal', 'both-empty', 'missing'];

/** What phasetune wrote, unless somebody changed the preference since. */
function ownOf(value: unknown, preference: number | null): OwnVerdict | undefined {
  if (!isRow(value)) return undefined;
  const { id, run, baselineRun, state, x, orders } = value as Partial<OwnVerdict>;
  const whole =
    typeof id === 'string' && Number.isInteger(run) && Number.isInteger(baselineRun) && Array.isArray(orders);
  const same = preference === null ? x === null : typeof x === 'number' && 1 + x === preference;
  return whole && same && STATES.includes(state) ? (value as OwnVerdict) : undefined;
}

/** True for a row of `annotations.json`: an instruction with two answers. */
export const isAnnotation = (row: RawRow): boolean => 'output_1' in row && 'output_2' in row;

/** A row as {@link Annotation}; what is not as it must be is a data error that names the place. */
export function annotationIn(row: RawRow, place: string): Annotation {
  const {
    instruction: _,
    input: __,
    output_1: ___,
    output_2: ____,
    generator_1: _____,
    generator_2: ______,
    annotator: _______,
    dataset: ________,
    preference: _________,
    [OWN]: own,
    ...rest
  } = row;
  const preference = preferenceOf(row, place);
  return {
    place,
    instruction: instructionOf(row, place),
    output1: requiredText(row, 'output_1', place),
    output2: requiredText(row, 'output_2', place),
    generator1: optionalText(row, 'generator_1', place) ?? 'reference',
    generator2: optionalText(row, 'generator_2', place) ?? 'model',
    annotator: optionalText(row, 'annotator', place) ?? 'annotator',
    dataset: optionalText(row, 'dataset', place),
    preference,
    own: ownOf(own, preference),
    rest,
  };
}

/**
 * Reads verdicts in AlpacaEval's form: objects with `instruction`, `output_1`, `output_2` and `preference`, and mostly
 * the names `generator_1`, `generator_2` and `annotator`. 0 of old files is a tie; null, NaN and the cache's -1 are
 * missing. Fields that are not known (`price_per_example`, or with today's prefix `preference_price_per_example`) are
 * kept in `rest`. A row that is not as it must be is a data error that names it, and so is a file without rows.
 *
 * @example
 * const annotations = await readAnnotations('evals/first/annotations.json');
 * console.log(annotations.filter(({ preference }) => preference === null).length, 'are missing');
 */
export async function readAnnotations(path: string): Promise<Annotation[]> {
  const annotations: Annotation[] = [];
  for await (const { place, row } of objectsOf(path)) annotations.push(annotationIn(row, place));
  if (annotations.length === 0) throw dataError(`${path}: no annotations; expected at least one`, { file: path });
  return annotations;
}

/** A pair of answers and its verdict. */
export interface JudgedPair {
  readonly verdict: Verdict;
  readonly instruction: string;
  readonly outputs: readonly [baseline: string, arm: string];
  /** What a leaderboard calls the two. */
  readonly generators: readonly [baseline: string, arm: string];
}

/** A verdict as AlpacaEval has it: preference 1 + x, null if missing; in `phasetune`, what it has no fields for. */
export function annotationOf({ verdict, instruction, outputs, generators }: JudgedPair): RawRow {
  const { set, judge, id, run, baselineRun, state, x, orders, reason, foreign = {} } = verdict;
  return {
    instruction,
    output_1: outputs[0],
    generator_1: generators[0],
    output_2: outputs[1],
    generator_2: generators[1],
    dataset: set,
    annotator: judge,
    preference: x === null ? null : 1 + x,
    ...foreign,
    [OWN]: { id, run, baselineRun, state, x, orders, ...(reason && { reason }) },
  };
}
