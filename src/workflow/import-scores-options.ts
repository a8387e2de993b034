import * as z from 'zod';
import { importOptionsSchema } from '../data/options.js';
import { compareOptionsSchema } from '../scoring/compare/options.js';
import { ratingOptions } from './rating-options.js';

/**
 * Which scores are imported, for which rows.
 *
 * @example
 * const { match } = importScoresOptionsSchema.parse({ file: 'rows.jsonl', out: 'imported.jsonl' });
 * console.log(match);
 */
export const importScoresOptionsSchema = z.strictObject({
  file: z.string().min(1).describe('rows of any format that `data import` reads'),
  out: z.string().min(1).describe('JSON Lines file of scored records to write, with its manifest beside it'),
  from: z
    .string()
    .min(1)
    .optional()
    .describe('file with the scores: a table (CSV and the like), JSON, JSON Lines or Parquet [the rows themselves]'),
  ...ratingOptions,
  range: compareOptionsSchema.shape.range,
  match: compareOptionsSchema.shape.match,
  format: importOptionsSchema.shape.format,
  badRows: importOptionsSchema.shape.badRows,
  force: z.boolean().default(false).describe('replace an existing `out` that no scorer made'),
});

/** Options of importing scores; those with a default may be left out. */
export type ImportScoresOptions = z.input<typeof importScoresOptionsSchema>;
