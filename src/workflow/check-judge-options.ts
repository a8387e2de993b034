import * as z from 'zod';
import { deviceOption } from '../backend/options.js';
import { importOptionsSchema } from '../data/options.js';
import { entranceOptionsSchema } from '../eval/judge/entrance.js';
import { localJudgeOptionsSchema } from '../eval/judge/local-options.js';
import { programOptions } from '../program/options.js';

/**
 * Which judge is tested, and on whose answers.
 *
 * @example
 * const { judge, entranceRows } = checkJudgeOptionsSchema.parse({ sources: ['holdout.jsonl'] });
 */
export const checkJudgeOptionsSchema = z.strictObject({
  sources: z
    .array(z.string().min(1))
    .min(1)
    .describe('an evaluation, of whose sets the rows are taken, or files of rows with answers'),
  judge: z
    .enum(['letters', 'likelihood', 'length'])
    .default('letters')
    .describe('who is tested: a local model by its letters or by likelihood, or the longer answer'),
  model: z.string().min(1).optional().describe('model folder of the judge [of an evaluation: the baseline’s]'),
  entranceRows: entranceOptionsSchema.shape.entranceRows,
  seed: z.number().int().min(0).default(0).describe('seed of the choice of rows'),
  badRows: importOptionsSchema.shape.badRows,
  out: z
    .string()
    .min(1)
    .optional()
    .describe('file to write the result to (.json), with all replies beside it; needed unless an evaluation is given'),
  ...localJudgeOptionsSchema.shape,
  device: deviceOption,
  mode: programOptions.shape.mode,
  compile: programOptions.shape.compile,
  attention: programOptions.shape.attention,
});

/** Options of testing a judge; those with a default may be left out. */
export type CheckJudgeOptions = z.input<typeof checkJudgeOptionsSchema>;
