import { normalQuantile } from './normal.js';

/**
 * Wilson's interval (1927) of a share: of `successes`, which may be halves where ties count as such, in `n` trials. It
 * stays within 0 and 1 and covers the truth `level` of the time on average. [0, 1] for no trials.
 *
 * @example
 * const [low, high] = wilsonInterval(6, 8);
 * console.log(low.toFixed(3), high.toFixed(3)); // 0.409 0.929
 */
export function wilsonInterval(successes: number, n: number, level = 0.95): readonly [low: number, high: number] {
  if (!(successes >= 0 && successes <= n)) throw new RangeError(`expected 0 to ${n} successes, got ${successes}`);
  if (n === 0) return [0, 1];
  const square = normalQuantile(1 - (1 - level) / 2) ** 2;
  const failures = n - successes;
  const reach = Math.sqrt(square * ((successes * failures) / n + square / 4));
  // Each end is computed by what keeps its digits: nothing is taken from a number close to it.
  const low = successes === 0 ? 0 : (successes * successes) / n / (successes + square / 2 + reach);
  const high = failures === 0 ? 1 : (successes + square / 2 + reach) / (n + square);
  return [low, high];
}
