import * as z from 'zod';
import { importOptionsSchema } from '../data/options.js';
import { judgeAnswersOptionsSchema } from './eval-judge-options.js';

/**
 * Which judge is tested, on whose answers, and how it is asked.
 *
 * @example
 * const { entranceRows } = checkJudgeOptionsSchema.parse({ sources: ['holdout.jsonl'], judge: 'length' });
 */
export const checkJudgeOptionsSchema = judgeAnswersOptionsSchema
  .omit({ folder: true, pairs: true, orders: true, repeats: true, reparse: true, entrance: true, controls: true })
  .extend({
    sources: z
      .array(z.string().min(1))
      .min(1)
      .describe('an evaluation, of whose sets the rows are taken, or files of rows with answers'),
    seed: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe('seed of the choice of rows [of an evaluation: its own, whose test then asks nothing again; 0]'),
    badRows: importOptionsSchema.shape.badRows,
    out: z
      .string()
      .min(1)
      .optional()
      .describe(
        'file to write the result to (.json), with all replies beside it; needed unless an evaluation is given',
      ),
  });

/** Options of testing a judge; those with a default may be left out. */
export type CheckJudgeOptions = z.input<typeof checkJudgeOptionsSchema>;
