import * as z from 'zod';
import { dataError } from '../../core/errors.js';
import { recordSchema } from '../../data/record.js';
import { exists } from '../../io/files.js';
import { checkSchema } from '../../io/json.js';
import { readJsonLines } from '../../io/jsonl.js';
import { type EvalFile, evalPaths } from '../eval-file.js';
import type { PairedAnswer, SetAnswers } from './pair-types.js';

const answerSchema = z.looseObject({
  id: z.string(),
  instruction: z.string(),
  messages: recordSchema.shape.messages.optional(),
  output: z.string(),
});

/**
 * Reads the answers of an evaluation, as far as pairing needs them. A run without a file for a set
 * has no answers to it. A broken line, or an id that comes twice, is a data error that names file
 * and line; so are arms without any answer.
 */
export async function readAnswers(folder: string, { arms, sets }: EvalFile): Promise<SetAnswers[]> {
  const paths = evalPaths(folder);
  const found: SetAnswers[] = [];
  for (const [arm, { runs }] of Object.entries(arms))
    for (let run = 1; run <= runs.length; run++)
      for (const { name: set } of sets) {
        const file = paths.answers(arm, run, set);
        found.push({ file, arm, run, set, rows: exists(file) ? await readRows(file) : [] });
      }
  if (found.every(({ rows }) => rows.length === 0))
    throw dataError(`${folder}: there are no answers in it to judge`, {
      file: folder,
      remedies: [{ task: 'eval answer', options: { out: folder }, note: 'first' }],
    });
  return found;
}

async function readRows(file: string): Promise<PairedAnswer[]> {
  const rows: PairedAnswer[] = [];
  const lines = new Map<string, number>();
  for await (const { line, value } of readJsonLines(file)) {
    const answer = checkSchema(value, answerSchema, file, line);
    const { id, instruction, messages = [{ role: 'user' as const, content: instruction }], output } = answer;
    const first = lines.get(id);
    if (first !== undefined)
      throw dataError(`${file}, line ${line}: the id ${id} is also in line ${first}`, { file, line, id, first });
    lines.set(id, line);
    rows.push({ id, messages, output });
  }
  return rows;
}
