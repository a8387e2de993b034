import * as z from 'zod';
import { usageError } from '../core/errors.js';
import type { Ratings } from '../scoring/ratings.js';

/** Where scores stand in files of someone else's making. */
export const ratingOptions = {
  idColumn: z.string().min(1).optional().describe('column or field with the id [id]'),
  scoreColumn: z
    .string()
    .min(1)
    .optional()
    .describe(
      'column or field with the score; in JSON, dots name nested fields (meta.level) [score, rating or difficulty]',
    ),
};

/** What {@link ratingOptions} come to. */
interface RatingFlags {
  readonly idColumn?: string | undefined;
  readonly scoreColumn?: string | undefined;
  readonly range?: readonly number[] | undefined;
}

/** Reads a file of scores as the flags say. */
export async function ratingsOf(path: string, { idColumn, scoreColumn, range }: RatingFlags): Promise<Ratings> {
  const { readRatings } = await import('../scoring/ratings.js');
  if (range && !(range[0]! < range[1]!))
    throw usageError(`--range: expected the lowest score before the highest, got ${range.join(',')}`, {
      flag: 'range',
    });
  return readRatings(path, { idColumn, scoreColumn, ...(range && { range: [range[0]!, range[1]!] as const }) });
}
