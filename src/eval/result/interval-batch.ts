import { type ArmScores, type WinRateInterval, winRateIntervals } from '../../statistics/win-rate.js';
import type { Mean, Rate } from './result.js';

/** How intervals are made. */
export interface IntervalOptions {
  readonly resamples: number;
  readonly level: number;
  readonly seed: number;
}

/** Means over rows whose intervals are computed together, from one set of draws. */
export interface IntervalBatch {
  /**
   * Scores of each run to each row, NaN where missing. The first call of what it returns computes
   * all that were added.
   */
  add(scores: ArmScores): () => WinRateInterval;
}

/** A batch over rows that are resampled within their strata. */
export function intervalBatch(strata: ArrayLike<number>, options: IntervalOptions): IntervalBatch {
  const columns: ArmScores[] = [];
  let found: readonly WinRateInterval[] = [];
  return {
    add(scores) {
      const place = columns.push(scores) - 1;
      return () => {
        if (found.length < columns.length) found = winRateIntervals(columns, strata, options);
        return found[place]!;
      };
    },
  };
}

const known = (value: number): number | null => (Number.isNaN(value) ? null : value);

/** A win rate as the result has it. */
export const rateOf = ({ winRate, low, high, n }: WinRateInterval): Rate => ({
  winRate: known(winRate),
  low: known(low),
  high: known(high),
  n,
});

/** A mean in the unit of its scores times `scale`; {@link winRateIntervals} has it in percent of them. */
export const meanOf = ({ winRate, low, high, n }: WinRateInterval, scale: number): Mean => {
  const scaled = (value: number) => known((value / 100) * scale);
  return { mean: scaled(winRate), low: scaled(low), high: scaled(high), n };
};

/** A number that is not known as null. */
export const orNull = (value: number | null | undefined): number | null =>
  value === undefined || value === null || Number.isNaN(value) ? null : value;
