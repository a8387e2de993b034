import { dataError } from '../../core/errors.js';
import { show } from '../../core/shown.js';
import { isRow, type RawRow } from '../../data/fields.js';
import type { FileRow } from '../../io/file-row.js';
import { readRows } from '../../io/rows.js';
import type { AnswerRow } from '../answers/answer-row.js';

/** A row of AlpacaEval's `model_outputs.json`: a model's answer to an instruction. */
export interface ModelOutput {
  /** Where it stands in its file, for messages. */
  readonly place: string;
  /** What the row is known by. Its field `input`, of older files, follows after a line break, as in imported rows. */
  readonly instruction: string;
  readonly output: string;
  /** Name of the model. */
  readonly generator?: string | undefined;
  /** Name of the set. */
  readonly dataset?: string | undefined;
  /** The row's own id; only phasetune writes it. */
  readonly id?: string | undefined;
  /** All other fields, as they are. */
  readonly rest: RawRow;
}

/** A file of answers in AlpacaEval's form. */
export interface ModelOutputs {
  readonly rows: readonly ModelOutput[];
  /** The model's name, if all rows have the same one. */
  readonly generator: string | undefined;
}

/** A field that must be a text if it is there. Null is what pandas writes for a missing one. */
export function optionalText(row: RawRow, field: string, place: string): string | undefined {
  const value = row[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  throw dataError(`${place}: expected the field ${field} with a text, found ${show(value)}`, { field });
}

/** A field that must be a text. */
export function requiredText(row: RawRow, field: string, place: string): string {
  const text = optionalText(row, field, place);
  if (text !== undefined) return text;
  throw dataError(`${place}: expected the field ${field} with a text, found ${show(row[field])}`, { field });
}

/** The objects of a file of rows. A row that is broken, or is no object, is a data error that names its place. */
export async function* objectsOf(path: string): AsyncGenerator<{ readonly place: string; readonly row: RawRow }> {
  for await (const { place, value, error } of readRows(path) as AsyncGenerator<FileRow>) {
    if (error) throw error;
    if (!isRow(value)) throw dataError(`${place}: expected an object, found ${show(value)}`, { file: path });
    yield { place, row: value };
  }
}

/** The instruction of a row, with its `input` if it has one. */
export function instructionOf(row: RawRow, place: string): string {
  const instruction = requiredText(row, 'instruction', place);
  const input = optionalText(row, 'input', place);
  return input === undefined || input.trim() === '' ? instruction : `${instruction}\n${input}`;
}

/** True for a row of `model_outputs.json`: an instruction with one answer. */
export const isModelOutput = (row: RawRow): boolean => 'instruction' in row && 'output' in row;

/** A row as {@link ModelOutput}; what is not as it must be is a data error that names the place. */
export function modelOutputIn(row: RawRow, place: string): ModelOutput {
  const { instruction: _, output: __, input: ___, generator: ____, dataset: _____, id: ______, ...rest } = row;
  return {
    place,
    instruction: instructionOf(row, place),
    output: requiredText(row, 'output', place),
    generator: optionalText(row, 'generator', place),
    dataset: optionalText(row, 'dataset', place),
    id: optionalText(row, 'id', place),
    rest,
  };
}

/**
 * Reads answers in AlpacaEval's form: objects with `instruction` and `output`, and mostly `generator` and `dataset`; a
 * JSON array as AlpacaEval writes it, or JSON Lines. Fields that are not known are kept in `rest`. A row without one of
 * the two texts is a data error that names it, and so is a file without rows. An empty answer is an answer.
 *
 * @example
 * const { rows, generator } = await readModelOutputs('evals/first/answers/base/model_outputs.json');
 * console.log(generator, rows.length, rows[0]?.output);
 */
export async function readModelOutputs(path: string): Promise<ModelOutputs> {
  const rows: ModelOutput[] = [];
  for await (const { place, row } of objectsOf(path)) rows.push(modelOutputIn(row, place));
  if (rows.length === 0) throw dataError(`${path}: no answers; expected at least one`, { file: path });
  const [first] = rows;
  const same = rows.every(({ generator }) => generator === first!.generator);
  return { rows, generator: same ? first!.generator : undefined };
}

/** Answers of one run of an arm as AlpacaEval has them; `generator` is what its leaderboard calls them. */
export const modelOutputsOf = (
  sets: Iterable<readonly [set: string, answers: readonly AnswerRow[]]>,
  generator: string,
): RawRow[] =>
  [...sets].flatMap(([set, answers]) =>
    answers.map(({ id, instruction, output, foreign = {} }) => ({
      instruction,
      output,
      generator,
      dataset: set,
      id,
      ...foreign,
    })),
  );
