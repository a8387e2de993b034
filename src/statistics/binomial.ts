/** Below this, Stirling's series is replaced by the factorial itself. */
const SMALL = 16;

/** ln n! less Stirling's ½ ln 2πn + n ln n - n: the error of his formula. */
function stirlingError(n: number): number {
  if (n >= SMALL) {
    const m = n * n;
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - (1 / 1188 - 691 / 360360 / m) / m) / m) / m) / m) / n;
  }
  return ERRORS[n]!;
}

/** {@link stirlingError} of 0 to 15, from their factorials, which doubles represent exactly. */
const ERRORS = Float64Array.from({ length: SMALL }, (_, n) => {
  let factorial = 1;
  for (let i = 2; i <= n; i++) factorial *= i;
  return n === 0 ? 0 : Math.log(factorial) - (0.5 * Math.log(2 * Math.PI * n) + n * Math.log(n) - n);
});

/** x ln(x / m) + m - x without the loss of digits where x is near m (Loader 2000). */
function deviance(x: number, m: number): number {
  if (Math.abs(x - m) >= 0.1 * (x + m)) return x * Math.log(x / m) + m - x;
  const v = (x - m) / (x + m);
  let sum = (x - m) * v;
  let term = 2 * x * v;
  for (let i = 3; ; i += 2) {
    term *= v * v;
    const next = sum + term / i;
    if (next === sum) return sum;
    sum = next;
  }
}

/**
 * Natural logarithm of the probability of `k` successes in `n` trials of probability `p`: Loader's saddle-point
 * expansion (2000), which keeps 14 digits for any n, where sums of logarithms of factorials lose them. -Infinity for
 * what cannot happen; throws a RangeError unless n and k are whole numbers from 0 on and p is a probability.
 *
 * @example
 * console.log(Math.exp(logBinomialProbability(2, 4, 0.5)).toFixed(3)); // 0.375
 */
export function logBinomialProbability(k: number, n: number, p: number): number {
  checkCount(k);
  checkCount(n);
  if (!(p >= 0 && p <= 1)) throw new RangeError(`expected a probability, got ${p}`);
  if (k > n) return -Infinity;
  if (p === 0) return k === 0 ? 0 : -Infinity;
  if (p === 1) return k === n ? 0 : -Infinity;
  if (k === 0) return n * Math.log1p(-p);
  if (k === n) return n * Math.log(p);
  const rest = n - k;
  const errors = stirlingError(n) - stirlingError(k) - stirlingError(rest);
  return errors - deviance(k, n * p) - deviance(rest, n * (1 - p)) + 0.5 * Math.log(n / (2 * Math.PI * k * rest));
}

/**
 * Natural logarithm of the number of ways to choose `k` of `n`; -Infinity if there is none. Throws as
 * {@link logBinomialProbability}.
 *
 * @example
 * console.log(Math.round(Math.exp(logBinomial(5, 2)))); // 10
 */
export const logBinomial = (n: number, k: number): number => logBinomialProbability(k, n, 0.5) + n * Math.LN2;

function checkCount(n: number): void {
  if (!Number.isInteger(n) || n < 0) throw new RangeError(`expected a whole number from 0 on, got ${n}`);
}

/**
 * Probability of at most `k` successes in `n` trials of probability `p`. Sums terms from the
 * largest one down, each from the one before.
 *
 * @example
 * console.log(binomialCdf(1, 2, 0.5).toFixed(2)); // 0.75
 */
export function binomialCdf(k: number, n: number, p: number): number {
  if (k < 0) return 0;
  if (k >= n) return 1;
  const upper = k > n * p;
  return upper ? 1 - lowerTail(n - k - 1, n, 1 - p) : lowerTail(k, n, p);
}

/** {@link binomialCdf} for k up to the mean, where terms shrink towards 0. */
function lowerTail(k: number, n: number, p: number): number {
  if (p === 0) return 1;
  let [term, sum] = [1, 1];
  for (let i = k; i > 0 && term > sum * 1e-18; i--) {
    term *= (i / (n - i + 1)) * ((1 - p) / p);
    sum += term;
  }
  return Math.min(1, sum * Math.exp(logBinomialProbability(k, n, p)));
}

/**
 * The exact sign test: the two-sided probability of a split at least as uneven as `wins` against `losses` when both are
 * as likely. Ties are left out, which makes it McNemar's exact test. 1 without wins and losses.
 *
 * @example
 * console.log(signTest(9, 1).toFixed(4)); // 0.0215
 */
export function signTest(wins: number, losses: number): number {
  checkCount(wins);
  checkCount(losses);
  const less = Math.min(wins, losses);
  return Math.min(1, 2 * binomialCdf(less, wins + losses, 0.5));
}

/**
 * The exact interval of a share (Clopper and Pearson 1934) from `k` successes in `n` trials, from 0 to 1; [0, 1] for
 * n = 0. It holds at least `level` whatever the share is.
 *
 * @example
 * const [low, high] = binomialInterval(8, 10, 0.95);
 * console.log(low.toFixed(3), high.toFixed(3)); // 0.444 0.975
 */
export function binomialInterval(k: number, n: number, level = 0.95): readonly [low: number, high: number] {
  checkCount(k);
  checkCount(n);
  if (k > n) throw new RangeError(`expected at most ${n} successes, got ${k}`);
  const tail = (1 - level) / 2;
  const low = k === 0 ? 0 : solve((p) => binomialCdf(n - k, n, 1 - p) - tail);
  const high = k === n ? 1 : solve((p) => tail - binomialCdf(k, n, p));
  return [low, high];
}

/** Where an increasing function of a share crosses 0. */
function solve(increasing: (share: number) => number): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (increasing(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
