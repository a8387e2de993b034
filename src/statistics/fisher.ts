import { logBinomialProbability } from './binomial.js';

/** Tables whose probabilities differ by less are equally likely; rounding is far below it. */
const EQUAL = 1 + 1e-10;

/**
 * Fisher's exact test of a table of two rows and two columns of counts, two-sided as in R and SciPy: the probability,
 * given the sums, of all tables that are at most as likely. 1 if a row or a column is empty. Throws a RangeError for
 * what is not a count.
 *
 * @example
 * console.log(fisherExact([[8, 2], [1, 5]]).toFixed(4)); // 0.0350
 */
export function fisherExact(
  table: readonly [readonly [a: number, b: number], readonly [c: number, d: number]],
): number {
  const [[a, b], [c, d]] = table;
  for (const count of [a, b, c, d])
    if (!Number.isInteger(count) || count < 0) throw new RangeError(`expected a whole number from 0 on, got ${count}`);
  const [row, column, n] = [a + b, a + c, a + b + c + d];
  const rest = n - row;
  const [least, most] = [Math.max(0, column - rest), Math.min(row, column)];
  const share = column / n;
  const log = (x: number) => logBinomialProbability(x, row, share) + logBinomialProbability(column - x, rest, share);
  if (least === most) return 1;
  const here = log(a);
  let [sum, all] = [0, 0];
  for (let x = least; x <= most; x++) {
    const relative = Math.exp(log(x) - here);
    all += relative;
    if (relative <= EQUAL) sum += relative;
  }
  return Math.min(1, sum / all);
}
