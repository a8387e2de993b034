import { mean, standardDeviation } from './moments.js';
import { studentCdf, studentQuantile } from './student.js';

/** Whether the mean of numbers differs from 0. */
export interface MeanTest {
  readonly n: number;
  /** NaN without numbers. */
  readonly mean: number;
  /** NaN, as the interval is, for fewer than two numbers. */
  readonly standardError: number;
  readonly low: number;
  readonly high: number;
  /** Two-sided; 1 for fewer than two numbers, which show nothing. */
  readonly p: number;
  /** That the mean is above 0, or below: one-sided. */
  readonly pAbove: number;
  readonly pBelow: number;
}

/**
 * Student's t test and interval of the mean of numbers, such as paired differences. NaN (missing) is left out. Equal
 * numbers other than 0 have p = 0, zeros p = 1.
 *
 * @example
 * const { mean, low, high, p } = tTest([0.1, 0.3, 0.2, 0.4]);
 * console.log(mean.toFixed(2), low.toFixed(2), high.toFixed(2), p.toFixed(3)); // 0.25 0.04 0.46 0.030
 */
export function tTest(values: ArrayLike<number>, level = 0.95): MeanTest {
  const known = Float64Array.from(values).filter((value) => !Number.isNaN(value));
  const [n, middle] = [known.length, mean(known)];
  if (n < 2) {
    const none = Number.NaN;
    return { n, mean: middle, standardError: none, low: none, high: none, p: 1, pAbove: 1, pBelow: 1 };
  }
  const standardError = standardDeviation(known) / Math.sqrt(n);
  const reach = standardError * studentQuantile(1 - (1 - level) / 2, n - 1);
  const t = middle === 0 ? 0 : middle / standardError;
  // Zeros speak for neither side; otherwise the tail that t lies in is computed directly, so that it keeps its digits.
  const still = middle === 0 && standardError === 0;
  const [pAbove, pBelow] = still ? [1, 1] : [studentCdf(-t, n - 1), studentCdf(t, n - 1)];
  const p = Math.min(1, 2 * Math.min(pAbove, pBelow));
  return { n, mean: middle, standardError, low: middle - reach, high: middle + reach, p, pAbove, pBelow };
}
