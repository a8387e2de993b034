import * as z from 'zod';

/**
 * Which pairs of answers people rate.
 *
 * @example
 * const { rows } = samplePairsOptionsSchema.parse({ folder: 'evals/first', out: 'sheet.csv' });
 */
export const samplePairsOptionsSchema = z.strictObject({
  folder: z.string().min(1).describe('folder of an evaluation'),
  out: z
    .string()
    .min(1)
    .describe('sheet to write (.csv), with its key (.key.json) and a guide for the raters (.guide.md) beside it'),
  rows: z.number().int().min(2).default(72).describe('pairs to draw: 72 give an agreement to ±10 points, 288 to ±5'),
  arm: z.string().min(1).optional().describe('only pairs of this arm with the baseline [all arms]'),
  seed: z.number().int().min(0).default(0).describe('seed of the draw, and of which answer is A'),
  force: z.boolean().default(false).describe('replace an existing sheet, and the ratings in it'),
});

/** Options of drawing pairs; those with a default may be left out. */
export type SamplePairsOptions = z.input<typeof samplePairsOptionsSchema>;
