import { normalQuantile } from './normal.js';

/** What a comparison is to be able to show. */
export interface PowerOptions {
  /** Share of rows that are ties, 0 to 1 [0.3]. */
  readonly ties?: number;
  /** Share of worlds in which the difference is found [0.8]. */
  readonly power?: number;
  /** Confidence [0.95]: at no difference, 5 % of worlds find one. */
  readonly level?: number;
  /** Comparisons that share the level, such as arms: Holm's first step divides it by their number [1]. */
  readonly comparisons?: number;
}

/** z of the test's level plus z of its power. */
function reach({ power = 0.8, level = 0.95, comparisons = 1 }: PowerOptions): number {
  if (!(power > 0 && power < 1)) throw new RangeError(`expected a power between 0 and 1, got ${power}`);
  if (!(level > 0 && level < 1)) throw new RangeError(`expected a level between 0 and 1, got ${level}`);
  if (!Number.isInteger(comparisons) || comparisons < 1)
    throw new RangeError(`expected at least one comparison, got ${comparisons}`);
  return normalQuantile(1 - (1 - level) / 2 / comparisons) + normalQuantile(power);
}

function tieShare(ties = 0.3): number {
  if (!(ties >= 0 && ties <= 1)) throw new RangeError(`expected a share of ties from 0 to 1, got ${ties}`);
  return ties;
}

/**
 * Rows that show a win rate (in percent) to differ from 50: z² (p - t/4 - p²) / (p - ½)², rounded, since of p = w + t/2
 * of the rows' scores the variance is w + t/4 - p². Infinity at 50. Throws a RangeError for a win rate that the ties
 * leave no room for.
 *
 * @example
 * console.log(rowsNeeded({ winRate: 55, ties: 0.3 })); // 542
 */
export function rowsNeeded({ winRate, ...options }: PowerOptions & { readonly winRate: number }): number {
  const [p, ties] = [winRate / 100, tieShare(options.ties)];
  if (!(p >= ties / 2 && p <= 1 - ties / 2))
    throw new RangeError(
      `with ${100 * ties} % ties a win rate is from ${50 * ties} to ${100 - 50 * ties}, got ${winRate}`,
    );
  return Math.round((reach(options) ** 2 * (p - ties / 4 - p * p)) / (p - 0.5) ** 2);
}

/**
 * Least difference of a win rate from 50, in points, that so many rows show: 100 z √((1 - t) / 4n), with the variance
 * of no difference, which is slightly too large. Infinity for no rows.
 *
 * @example
 * console.log(leastDifference({ rows: 80, ties: 0.3 }).toFixed(1)); // 13.1
 */
export const leastDifference = ({ rows, ...options }: PowerOptions & { readonly rows: number }): number =>
  100 * leastMean({ rows, deviation: Math.sqrt((1 - tieShare(options.ties)) / 4), ...options });

/**
 * Least mean of a measurement per row, in its own unit, that so many rows show to differ from 0, given the standard
 * deviation of the rows. Infinity for no rows.
 *
 * @example
 * console.log(leastMean({ rows: 200, deviation: 0.3 }).toFixed(3)); // 0.059
 */
export const leastMean = ({
  rows,
  deviation,
  ...options
}: Omit<PowerOptions, 'ties'> & { readonly rows: number; readonly deviation: number }): number =>
  rows > 0 ? (reach(options) * deviation) / Math.sqrt(rows) : Infinity;
