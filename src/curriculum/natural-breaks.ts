import { scaleToOrdinary } from '../core/ordinary.js';

/**
 * Jenks' natural breaks: where to split sorted values into classes so that the sum of squared
 * distances to the class means is least (Fisher 1958; Jenks 1967). Exact, by dynamic programming
 * whose best breaks increase with the end of the last class, so that bisection finds them in
 * O(classes * n log n) (as Ckmeans.1d.dp does, Wang and Song 2011). `weights` is how often each
 * value occurs. Returns the first place of the second and later classes; of equal solutions the one
 * with the lowest breaks from the right. Needs at least as many values as classes.
 *
 * @example
 * console.log(naturalBreaks(Float64Array.from([1, 2, 2.5, 8, 9]), [1, 1, 1, 1, 1], 2)); // [3]
 */
export function naturalBreaks(values: Float64Array, weights: ArrayLike<number>, classes: number): number[] {
  const n = values.length;
  const cost = squaresWithin(values, weights);
  let best = new Float64Array(n + 1).fill(Number.POSITIVE_INFINITY);
  best[0] = 0;
  const breaks: Int32Array[] = [];
  for (let k = 1; k <= classes; k++) {
    const next = new Float64Array(n + 1).fill(Number.POSITIVE_INFINITY);
    const from = new Int32Array(n + 1);
    const solve = (low: number, high: number, least: number, most: number) => {
      if (low > high) return;
      const to = (low + high) >> 1;
      for (let at = Math.max(least, k - 1); at <= Math.min(most, to - 1); at++) {
        const sum = best[at]! + cost(at, to);
        if (sum >= next[to]!) continue;
        next[to] = sum;
        from[to] = at;
      }
      solve(low, to - 1, least, from[to]!);
      solve(to + 1, high, from[to]!, most);
    };
    solve(k, n, k - 1, n - 1);
    best = next;
    breaks.push(from);
  }
  const firsts: number[] = [];
  for (let k = classes - 1, to = n; k > 0; k--) {
    to = breaks[k]![to]!;
    firsts.unshift(to);
  }
  return firsts;
}

/**
 * Sum of squared distances to their mean of the values from one place to before another; in
 * constant time by running sums.
 */
function squaresWithin(values: Float64Array, weights: ArrayLike<number>): (from: number, to: number) => number {
  const n = values.length;
  const [w, x, xx] = [new Float64Array(n + 1), new Float64Array(n + 1), new Float64Array(n + 1)];
  // Distances from the middle value keep the running sums small, and their differences exact.
  const scale = scaleToOrdinary([values[0]!, values[n - 1]!]);
  const middle = values[n >> 1]! * scale;
  for (let i = 0; i < n; i++) {
    const value = values[i]! * scale - middle;
    w[i + 1] = w[i]! + weights[i]!;
    x[i + 1] = x[i]! + weights[i]! * value;
    xx[i + 1] = xx[i]! + weights[i]! * value * value;
  }
  return (from, to) => {
    const sum = x[to]! - x[from]!;
    return Math.max(0, xx[to]! - xx[from]! - (sum * sum) / (w[to]! - w[from]!));
  };
}
