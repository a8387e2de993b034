import { usageError } from '../core/errors.js';
import { type Ratings, readRatings } from '../scoring/ratings.js';

/** Where the scores of a file are, and their range. */
interface RatingColumns {
  readonly idColumn?: string | undefined;
  readonly scoreColumn?: string | undefined;
  readonly range?: readonly number[] | undefined;
}

/** Reads the scores of a file. */
export async function ratingsOf(path: string, { idColumn, scoreColumn, range }: RatingColumns): Promise<Ratings> {
  const [low, high] = range ?? [];
  if (low === undefined || high === undefined) return readRatings(path, { idColumn, scoreColumn });
  if (!(low < high))
    throw usageError(`\`range\`: expected the lowest score before the highest, got ${low},${high}`, {
      option: 'range',
    });
  return readRatings(path, { idColumn, scoreColumn, range: [low, high] });
}
