import { covariance, mean } from './moments.js';
import { normalQuantile } from './normal.js';

/** Scores of the same kind, from 0 to 1, by a judge for many rows and by people for some. */
export interface PredictionPoweredData {
  /** Rows that both rated: the judge's score and people's. */
  readonly judged: ArrayLike<number>;
  readonly people: ArrayLike<number>;
  /** The judge's scores of the other rows. */
  readonly others: ArrayLike<number>;
}

/** People's win rate as far as it is known, in percent. */
export interface PredictionPowered {
  /** NaN without rows that people rated. */
  readonly winRate: number;
  /** NaN, as the interval is, for fewer than two of them. */
  readonly standardError: number;
  readonly low: number;
  readonly high: number;
  /** How much the judge was trusted: λ, 0 not at all. */
  readonly weight: number;
  /** Rows that people rated, and the others. */
  readonly rated: number;
  readonly others: number;
}

/**
 * The win rate that people would have given, from the judge's scores of all rows and people's of
 * some: λ mean(judge of others) + mean(people - λ judge), with the λ of least variance
 * (prediction-powered inference, Angelopoulos et al. 2023). A judge that says nothing of people's
 * scores costs nothing: λ is 0 then, and without other rows. A row with NaN is left out. The
 * interval is normal.
 *
 * @example
 * const { winRate } = predictionPowered({ judged: [1, 0, 1, 0], people: [1, 0, 1, 1], others: [1, 1, 0, 1, 1, 0] });
 * console.log(winRate.toFixed(1)); // 80.0
 */
export function predictionPowered({ judged, people, others }: PredictionPoweredData, level = 0.95): PredictionPowered {
  if (judged.length !== people.length)
    throw new RangeError(`expected as many scores of both, got ${judged.length} and ${people.length}`);
  const both = Array.from(judged, (_, i) => i).filter((i) => !Number.isNaN(judged[i]!) && !Number.isNaN(people[i]!));
  const [j, h] = [both.map((i) => judged[i]!), both.map((i) => people[i]!)];
  const rest = Array.from(others).filter((score) => !Number.isNaN(score));
  const [m, n] = [j.length, rest.length];
  const spread = covariance(j, j);
  const weight = n > 0 && spread > 0 ? covariance(h, j) / (spread * (1 + m / n)) : 0;
  const corrected = h.map((score, i) => score - weight * j[i]!);
  const known = n > 0 ? weight * mean(rest) : 0;
  // One other row has no variance of its own; the rated rows are drawn from the same ones.
  const spreadOthers = n > 1 ? covariance(rest, rest) : spread;
  const variance = covariance(corrected, corrected) / m + (weight === 0 ? 0 : (weight ** 2 * spreadOthers) / n);
  const winRate = 100 * (known + mean(corrected));
  const standardError = 100 * Math.sqrt(variance);
  const reach = standardError * normalQuantile(1 - (1 - level) / 2);
  return { winRate, standardError, low: winRate - reach, high: winRate + reach, weight, rated: m, others: n };
}
