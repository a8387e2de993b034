import { tTest } from './t-test.js';

/** How equivalence is tested. */
export interface EquivalenceOptions {
  /** The largest difference that does not matter, in the unit of the differences; above 0. */
  readonly margin: number;
  /** Confidence of each of the two tests [0.95]. */
  readonly level?: number;
}

/** Whether a mean difference is too small to matter. */
export interface Equivalence {
  readonly mean: number;
  /** Interval of the mean at twice the error, such as 90 %: within ±margin exactly if `equivalent`. NaN for n < 2. */
  readonly low: number;
  readonly high: number;
  /** The larger p of the two one-sided tests; 1 for fewer than two differences. */
  readonly p: number;
  readonly equivalent: boolean;
}

/**
 * Two one-sided t tests (Schuirmann 1987) that the mean of paired differences is within ±margin: what shows that two
 * arms are equal enough, which a large p of another test does not. NaN (missing) is left out.
 *
 * @example
 * const { equivalent, p } = tost([0.1, -0.2, 0.1, 0], { margin: 0.5 });
 * console.log(equivalent, p.toFixed(4)); // true 0.0029
 */
export function tost(differences: ArrayLike<number>, { margin, level = 0.95 }: EquivalenceOptions): Equivalence {
  if (!(margin > 0)) throw new RangeError(`expected a margin above 0, got ${margin}`);
  const { mean, low, high, n } = tTest(differences, 2 * level - 1);
  const moved = (by: number) => tTest(Array.from(differences, (one) => one + by));
  const p = n < 2 ? 1 : Math.max(moved(margin).pAbove, moved(-margin).pBelow);
  return { mean, low, high, p, equivalent: p < 1 - level };
}
