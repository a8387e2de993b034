import * as z from 'zod';
import { stagingOptionsSchema } from '../curriculum/staging-options.js';
import { importOptionsSchema } from '../data/options.js';

/**
 * How scored rows are staged, and where to.
 *
 * @example
 * const { holdout } = stageOptionsSchema.parse({ file: 'scored.jsonl', out: 'staged' });
 * console.log(holdout);
 */
export const stageOptionsSchema = z.strictObject({
  file: z.string().min(1).describe('scored rows: a record file, or any format that `data import` reads'),
  out: z
    .string()
    .min(1)
    .describe('output folder: stage-1.jsonl, stage-2.jsonl, …, holdout.jsonl, manifest.json and histogram.svg'),
  ...stagingOptionsSchema.shape,
  holdoutFrom: z
    .string()
    .min(1)
    .optional()
    .describe(
      'hold out the rows that another staged folder holds out, or those of a file of rows, and only these, whatever the cut; instead of `holdout`',
    ),
  model: z
    .string()
    .min(1)
    .optional()
    .describe('model folder whose tokenizer counts the tokens [estimated from characters]'),
  ...importOptionsSchema.shape,
  force: z.boolean().default(false).describe('replace a staged set that is in `out` already'),
});

/** Options of staging; those with a default may be left out. */
export type StageOptions = z.input<typeof stageOptionsSchema>;
