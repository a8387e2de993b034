/**
 * Holm's step-down adjustment (1979): p-values that may each be compared with the level of the whole family, in the
 * order given. NaN is a test that could not be made: it stays NaN and does not count as one of the family. Throws a
 * RangeError for a number that is not a probability.
 *
 * @example
 * console.log(holm([0.01, 0.04, 0.03])); // [0.03, 0.06, 0.06]
 */
export function holm(ps: ArrayLike<number>): number[] {
  const adjusted = Array.from(ps);
  for (const p of adjusted) if (p < 0 || p > 1) throw new RangeError(`expected a probability, got ${p}`);
  const order = adjusted.flatMap((p, i) => (Number.isNaN(p) ? [] : [i])).sort((a, b) => ps[a]! - ps[b]!);
  let most = 0;
  for (const [k, i] of order.entries()) {
    most = Math.max(most, Math.min(1, (order.length - k) * ps[i]!));
    adjusted[i] = most;
  }
  return adjusted;
}
