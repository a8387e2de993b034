import * as z from 'zod';
import { dataError } from '../../core/errors.js';
import { recordSchema } from '../../data/record.js';
import { exists } from '../../io/files.js';
import { checkSchema } from '../../io/json.js';
import { readJsonLines } from '../../io/jsonl.js';
import type { AnswerRow } from './answer-row.js';

const count = z.number().int().min(0);

const checksSchema = z.looseObject({
  empty: z.boolean(),
  cut: z.boolean(),
  refusal: z.boolean(),
  loop: z.boolean(),
  copy: z.boolean(),
  otherScript: z.boolean(),
  exactMatch: z.boolean().optional(),
  normalizedMatch: z.boolean().optional(),
  jsonMatch: z.boolean().optional(),
  constraints: z
    .array(z.looseObject({ name: z.string(), strict: z.boolean().nullable(), loose: z.boolean().nullable() }))
    .optional(),
});

const answerSchema = z.looseObject({
  id: z.string(),
  instruction: z.string(),
  messages: recordSchema.shape.messages.optional(),
  output: z.string(),
  tokens: count.optional(),
  finish: z.enum(['stop', 'length']).optional(),
  score: z.number().optional(),
  band: count.min(1).optional(),
  reference: z.string().optional(),
  loss: z.looseObject({ sum: z.number(), tokens: count }).optional(),
  checks: checksSchema,
  key: z.string(),
  foreign: z.record(z.string(), z.unknown()).optional(),
});

/**
 * Reads a file of answers whole; a missing file has none. A line that is no answer, or an id that
 * comes twice, is a data error that names file and line.
 */
export async function readAnswerRows(file: string): Promise<AnswerRow[]> {
  if (!exists(file)) return [];
  const rows: AnswerRow[] = [];
  const lines = new Map<string, number>();
  for await (const { line, value } of readJsonLines(file)) {
    const answer: AnswerRow = checkSchema(value, answerSchema, file, line);
    const { id } = answer;
    const first = lines.get(id);
    if (first !== undefined)
      throw dataError(`${file}, line ${line}: the id ${id} is also in line ${first}`, { file, line, id, first });
    lines.set(id, line);
    rows.push(answer);
  }
  return rows;
}
