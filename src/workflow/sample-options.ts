import * as z from 'zod';
import { importOptionsSchema } from '../data/options.js';

/**
 * Which rows are drawn for people to rate.
 *
 * @example
 * const { rows, strata } = sampleOptionsSchema.parse({ file: 'scored.jsonl', out: 'sheet.csv' });
 * console.log(rows, strata);
 */
export const sampleOptionsSchema = z.strictObject({
  file: z.string().min(1).describe('scored rows'),
  out: z.string().min(1).describe('sheet to write (.csv), with a guide for the raters beside it (.guide.md)'),
  rows: z.number().int().min(2).default(100).describe('rows to draw'),
  strata: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(5)
    .describe('parts of equal rows, by increasing score; equally many rows are drawn from each'),
  answers: z.boolean().default(false).describe('show the answers as well, for rubrics that judge them'),
  rubric: z.string().min(1).default('difficulty-1-5').describe('rubric whose scale and words the raters are given'),
  seed: z.number().int().min(0).default(0).describe('seed of the draw and of the order of the sheet'),
  ...importOptionsSchema.shape,
  force: z.boolean().default(false).describe('replace an existing sheet, and the ratings in it'),
});

/** Options of drawing a sample; those with a default may be left out. */
export type SampleOptions = z.input<typeof sampleOptionsSchema>;
