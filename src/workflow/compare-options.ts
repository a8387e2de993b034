import * as z from 'zod';
import { compareOptionsSchema } from '../scoring/compare/options.js';
import { ratingOptions } from './rating-options.js';

/**
 * Which scores are compared, and how.
 *
 * @example
 * const { resamples } = compareScoresOptionsSchema.parse({ files: ['scored.jsonl', 'imported.jsonl'] });
 * console.log(resamples);
 */
export const compareScoresOptionsSchema = z.strictObject({
  files: z
    .array(z.string().min(1))
    .min(2)
    .describe(
      'two or more: scored rows, tables of ratings (.csv, .tsv) or JSON with ids; NAME=FILE gives a short name',
    ),
  ...compareOptionsSchema.shape,
  ...ratingOptions,
  out: z.string().min(1).optional().describe('report to write: .md, with pictures beside it, or .json'),
  plots: z.string().min(1).optional().describe('folder to write a picture (.svg) of each pair to'),
});

/** Options of comparing scores; those with a default may be left out. */
export type CompareScoresOptions = z.input<typeof compareScoresOptionsSchema>;
