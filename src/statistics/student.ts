import { normalCdf, normalQuantile } from './normal.js';

/** From here on the series of {@link gammaRatio} is exact to rounding. */
const SERIES = 40;

/** Γ(a + ½) / Γ(a), by its asymptotic series, and below it by Γ(a + 1) = a Γ(a). */
function gammaRatio(a: number): number {
  let factor = 1;
  let x = a;
  for (; x < SERIES; x++) factor *= x / (x + 0.5);
  const r = 1 / x;
  const series =
    1 - r * (1 / 8 - r * (1 / 128 + r * (5 / 1024 - r * (21 / 32768 + r * (399 / 262144 - (r * 869) / 4194304)))));
  return factor * Math.sqrt(x) * series;
}

/**
 * The continued fraction of the incomplete beta function, by Lentz's method (Press et al., Numerical Recipes 6.4).
 */
function betaFraction(x: number, a: number, b: number): number {
  let [c, d] = [1, 1 / nonZero(1 - ((a + b) * x) / (a + 1))];
  let fraction = d;
  for (let m = 1; m <= 100_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return fraction;
}

const nonZero = (x: number) => (Math.abs(x) < 1e-300 ? 1e-300 : x);

/**
 * Probability that Student's t with `df` degrees of freedom (any positive number, Infinity for the normal) is at most
 * `t`. NaN for NaN. Throws a RangeError for other degrees.
 *
 * @example
 * console.log(studentCdf(2.228, 10).toFixed(3)); // 0.975
 */
export function studentCdf(t: number, df: number): number {
  if (!(df > 0)) throw new RangeError(`expected positive degrees of freedom, got ${df}`);
  if (Number.isNaN(t) || df === Infinity) return normalCdf(t);
  if (!Number.isFinite(t)) return t > 0 ? 1 : 0;
  const tail = t === 0 ? 0.5 : studentTail(t * t, df);
  return t > 0 ? 1 - tail : tail;
}

/** Probability beyond t on one side, from its square. */
function studentTail(square: number, df: number): number {
  const a = df / 2;
  const y = square < df ? square / df / (1 + square / df) : 1 / (1 + df / square);
  const x = square < df ? 1 / (1 + square / df) : df / square / (1 + df / square);
  const logX = square < df ? -Math.log1p(square / df) : Math.log(x);
  // x^a y^½ / B(a, ½), with B(a, ½) = √π Γ(a) / Γ(a + ½).
  const front = (Math.exp(a * logX) * Math.sqrt(y) * gammaRatio(a)) / Math.sqrt(Math.PI);
  return x < (a + 1) / (a + 2.5) ? (front * betaFraction(x, a, 0.5)) / a / 2 : 0.5 - front * betaFraction(y, 0.5, a);
}

/**
 * The number that Student's t with `df` degrees of freedom stays below with probability `p`: {@link studentCdf}
 * inverted by bisection. -Infinity for 0, Infinity for 1; throws a RangeError for what is not a probability.
 *
 * @example
 * console.log(studentQuantile(0.975, 10).toFixed(3)); // 2.228
 */
export function studentQuantile(p: number, df: number): number {
  if (p === 0.5 || p === 0 || p === 1 || df === Infinity) return normalQuantile(p);
  if (!(p > 0 && p < 1)) throw new RangeError(`expected a probability, got ${p}`);
  if (p > 0.5) return -studentQuantile(1 - p, df);
  let low = Math.min(-1, normalQuantile(p));
  while (studentCdf(low, df) > p) low *= 2;
  for (let high = 0; ; ) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) return middle;
    if (studentCdf(middle, df) < p) low = middle;
    else high = middle;
  }
}
