import * as z from 'zod';
import { reportOptionsSchema } from '../eval/result/options.js';

/**
 * Which evaluation is reported, and how.
 *
 * @example
 * const { level } = reportEvaluationOptionsSchema.parse({ folder: 'evals/first' });
 */
export const reportEvaluationOptionsSchema = z.strictObject({
  folder: z.string().min(1).describe('folder of an evaluation'),
  ...reportOptionsSchema.shape,
  people: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('sheets of pairs that people rated, to compare the judge with and to correct its win rates'),
});

/** Options of reporting an evaluation; those with a default may be left out. */
export type ReportEvaluationOptions = z.input<typeof reportEvaluationOptionsSchema>;
