import { basename, dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { dataError } from '../../core/errors.js';
import { groupBy } from '../../core/lists.js';
import { show, showSome } from '../../core/shown.js';
import { exists } from '../../io/files.js';
import { readRows } from '../../io/rows.js';
import { type EvalFile, readEvalFile } from '../eval-file.js';
import type { ChosenSet } from '../sets/choose-rows.js';
import { type EvalRow, instructionText } from '../sets/eval-row.js';

/** Lines of our own files of answers, and elements of AlpacaEval's `model_outputs.json`. */
const answerSchema = z.looseObject({
  output: z.string('expected the text of the answer'),
  id: z.union([z.string(), z.number()]).nullish(),
  instruction: z.string().nullish(),
  /** AlpacaEval's name for a set. */
  dataset: z.string().nullish(),
  generator: z.string().nullish(),
  reference: z.string().nullish(),
  tokens: z.number().int().min(0).nullish(),
  finish: z.enum(['stop', 'length']).nullish(),
  loss: z.looseObject({ sum: z.number(), tokens: z.number().int().min(0) }).nullish(),
});

/** An answer in a file. */
export type GivenAnswer = z.infer<typeof answerSchema>;

/** Ids that are named in an error. */
const NAMED = 8;

/**
 * Reads a file of answers: JSON Lines as `answers/ARM/SET.jsonl` has them, or AlpacaEval's `model_outputs.json`.
 * Throws a data error for a row without an answer, and for answers of several generators.
 */
export async function readAnswerFile(path: string): Promise<GivenAnswer[]> {
  const answers: GivenAnswer[] = [];
  for await (const { place, value, error } of readRows(path)) {
    if (error) throw error;
    const parsed = answerSchema.safeParse(value);
    if (!parsed.success) {
      const { path: at, message } = parsed.error.issues[0]!;
      const where = at.length > 0 ? `${at.join('.')}: ` : '';
      throw dataError(
        `${place}: ${where}${message}; expected a file of answers, {id?, instruction, output} in each row, found ${show(value)}`,
        { file: path },
      );
    }
    if (parsed.data.id == null && parsed.data.instruction == null)
      throw dataError(`${place}: expected an id or an instruction, by which the answer's row is found`, { file: path });
    answers.push(parsed.data);
  }
  const generators = [...new Set(answers.flatMap(({ generator }) => (generator == null ? [] : [generator])))];
  if (generators.length > 1)
    throw dataError(`${path}: expected the answers of one model, found those of ${showSome(generators, NAMED)}`, {
      file: path,
      remedies: [{ advice: 'write each to a file, and compare them as arms' }],
    });
  return answers;
}

/**
 * Finds the answer to each chosen row: the one with its id and its instruction, or with its instruction. Throws a
 * data error with the ids of the rows that the file does not answer, and for a row with two different answers.
 */
export function matchAnswers(
  arm: string,
  path: string,
  answers: readonly GivenAnswer[],
  sets: readonly ChosenSet[],
): Map<EvalRow, GivenAnswer> {
  const byText = groupBy(answers, ({ instruction }) => plain(instruction ?? ''));
  const byId = groupBy(answers, ({ id }) => (id == null ? '' : String(id)));
  const found = new Map<EvalRow, GivenAnswer>();
  const missing: string[] = [];
  const rows = sets.flatMap(({ chosen }) => chosen);
  for (const row of rows) {
    const text = plain(instructionText(row));
    const sameId = (byId.get(row.id) ?? []).filter(
      ({ instruction }) => instruction == null || plain(instruction) === text,
    );
    const candidates = narrowed(sameId.length > 0 ? sameId : (byText.get(text) ?? []), row, path);
    const outputs = new Set(candidates.map(({ output }) => output));
    if (outputs.size > 1)
      throw dataError(`arm ${arm}: ${path} has ${outputs.size} different answers to row ${row.id} of ${row.set}`, {
        file: path,
        id: row.id,
      });
    if (candidates[0]) found.set(row, candidates[0]);
    else missing.push(`${row.set}/${row.id}`);
  }
  if (missing.length === 0) return found;
  const several = missing.length === 1 ? 'the row' : `${missing.length} of ${rows.length} rows:`;
  throw dataError(
    `arm ${arm}: ${path} answers other rows: it has no answer to ${several} ${showSome(missing, NAMED)}`,
    { file: path, rows: missing.length, remedies: [{ advice: 'let all arms answer the same rows' }] },
  );
}

const plain = (text: string): string => text.replaceAll('\r\n', '\n').trim();

/** Of several answers to one text, those of the row's own set, where the file says which these are. */
function narrowed(candidates: readonly GivenAnswer[], { set }: EvalRow, path: string): readonly GivenAnswer[] {
  const own = candidates.filter(({ dataset }) => dataset === set);
  if (own.length > 0) return own;
  return candidates.length > 1 && basename(path) === `${set}.jsonl` ? candidates.slice(0, 1) : candidates;
}

/** The evaluation that a file of answers belongs to, `EVAL/answers/ARM/SET.jsonl`: it knows how they were made. */
export async function evaluationAround(path: string): Promise<{ folder: string; file: EvalFile } | undefined> {
  for (let folder = dirname(resolve(path)), i = 0; i < 4; i++, folder = dirname(folder))
    if (basename(folder) === 'answers' && exists(join(dirname(folder), 'eval.json')))
      return { folder: dirname(folder), file: await readEvalFile(dirname(folder)) };
  return undefined;
}
