import { normalCdf } from './normal.js';
import { studentQuantile } from './student.js';

/** Steps of Simpson's rule in each piece of the range of standard deviations that a study may find. */
const STEPS = 1000;
/** From here on the normal distribution is 0 or 1 to 18 digits. */
const FAR = 9;
/** More seeds than this are never reported. */
const MOST_SEEDS = 2 ** 30;

/** What a paired t test is to find. */
export interface TPowerOptions {
  /** Pairs, such as seeds that both arms were trained with. */
  readonly n: number;
  /** The true mean of the differences. */
  readonly difference: number;
  /** Standard deviation of the differences; above 0. */
  readonly sd: number;
  /** Chance of a finding where there is no difference, two-sided [0.05]. For the first of m tests by Holm, α / m. */
  readonly alpha?: number;
}

/** What a test is to find with a power. */
export interface PowerOfStudy {
  /** Standard deviation of the differences. */
  readonly sd: number;
  readonly alpha?: number;
  /** Share of studies that find it [0.8]. */
  readonly power?: number;
}

/**
 * Mean of a function of s, the standard deviation that a study finds over the true one: √(χ²/ν), whose density is
 * proportional to s^(ν - 1) exp(-ν s²/2) and is divided by its own integral. From 0 to `to`, by Simpson's rule in
 * pieces: `f` changes fast only where `t` s is within 9 of `middle`.
 */
function overDeviations(degrees: number, f: (s: number) => number, t: number, middle: number, to = Infinity): number {
  const low = Math.max(0, 1 - 12 / Math.sqrt(2 * degrees));
  const high = 1 + 12 / Math.sqrt(degrees);
  const density = (s: number) =>
    s === 0 ? (degrees === 1 ? Math.exp(0.5) : 0) : Math.exp((degrees - 1) * Math.log(s) - (degrees * (s * s - 1)) / 2);
  const end = Math.min(high, to);
  const within = (s: number) => Math.max(low, Math.min(end, s));
  const ends = [low, within((middle - FAR) / t), within((middle + FAR) / t), Math.max(low, end)];
  const weighted = (s: number) => density(s) * f(s);
  const sum = ends.slice(1).reduce((total, piece, i) => total + simpson(weighted, ends[i]!, piece), 0);
  return sum / simpson(density, low, high);
}

/** {@link normalCdf} without the work where it is 0 or 1 to 18 digits. */
const phi = (z: number): number => (z > FAR ? 1 : z < -FAR ? 0 : normalCdf(z));

function simpson(f: (x: number) => number, from: number, to: number): number {
  if (!(to > from)) return 0;
  const step = (to - from) / STEPS;
  let sum = f(from) + f(to);
  for (let i = 1; i < STEPS; i++) sum += (i % 2 === 1 ? 4 : 2) * f(from + i * step);
  return (sum * step) / 3;
}

/**
 * Power of the paired t test, two-sided: the share of studies of `n` pairs that find a true difference, by the integral
 * of the noncentral t distribution. 0 for fewer than two pairs. Throws a RangeError for a standard deviation that is
 * not above 0, or a level that is not between 0 and 1.
 *
 * @example
 * console.log(tPower({ n: 10, difference: 1, sd: 1 }).toFixed(4)); // 0.8031
 */
export function tPower({ n, difference, sd, alpha = 0.05 }: TPowerOptions): number {
  checkOptions(sd, alpha);
  if (n < 2) return 0;
  const shift = (Math.abs(difference) / sd) * Math.sqrt(n);
  const t = studentQuantile(1 - alpha / 2, n - 1);
  return overDeviations(n - 1, (s) => phi(shift - t * s) + phi(-t * s - shift), t, shift);
}

/**
 * Power of two one-sided t tests to show that a difference is within ±margin: the share of studies of `n` pairs that
 * show it where the true difference is `difference` [0]. 0 for fewer than two pairs. Throws as {@link tPower}.
 *
 * @example
 * console.log(tostPower({ n: 10, margin: 1, sd: 1 }).toFixed(3)); // 0.795
 */
export function tostPower({
  n,
  margin,
  difference = 0,
  sd,
  alpha = 0.05,
}: Omit<TPowerOptions, 'difference'> & { readonly margin: number; readonly difference?: number }): number {
  checkOptions(sd, alpha);
  if (!(margin > 0)) throw new RangeError(`expected a margin above 0, got ${margin}`);
  if (n < 2) return 0;
  const root = Math.sqrt(n) / sd;
  const t = studentQuantile(1 - alpha, n - 1);
  // Beyond this deviation the interval is wider than the margin, wherever its middle is.
  const widest = (margin * root) / t;
  const [below, above] = [(margin - difference) * root, (margin + difference) * root];
  const inside = (s: number) => phi(below - t * s) - phi(t * s - above);
  return overDeviations(n - 1, inside, t, Math.min(below, above), widest);
}

/**
 * Smallest true difference that a paired t test of `n` pairs finds with a power, in the unit of `sd`. Infinity for
 * fewer than two pairs, 0 where nothing varies (`sd` 0).
 *
 * @example
 * console.log(leastDifferenceT({ n: 6, sd: 1 }).toFixed(2)); // 1.43
 */
export function leastDifferenceT({ n, sd, alpha, power }: PowerOfStudy & { readonly n: number }): number {
  return (
    sd * leastRatio(n, power, (difference) => tPower({ n, difference, sd: 1, ...(alpha !== undefined && { alpha }) }))
  );
}

/**
 * Smallest margin that `n` pairs can show two arms to be the same within, with a power, where they are the same.
 * Infinity for fewer than two pairs, 0 where nothing varies.
 *
 * @example
 * console.log(leastMarginT({ n: 6, sd: 1 }).toFixed(2)); // 1.40
 */
export function leastMarginT({ n, sd, alpha, power }: PowerOfStudy & { readonly n: number }): number {
  return sd * leastRatio(n, power, (margin) => tostPower({ n, margin, sd: 1, ...(alpha !== undefined && { alpha }) }));
}

/**
 * Fewest pairs, at least 2, with which a paired t test finds a true difference with a power; Infinity where the
 * difference is 0 or so small that a billion would not do.
 *
 * @example
 * console.log(seedsForDifference({ difference: 0.01, sd: 0.01 })); // 10
 */
export function seedsForDifference({
  difference,
  sd,
  alpha,
  power = 0.8,
}: PowerOfStudy & { readonly difference: number }): number {
  const reached = (n: number) => tPower({ n, difference, sd, ...(alpha !== undefined && { alpha }) }) >= power;
  return fewest(difference, sd, reached);
}

/**
 * Fewest pairs, at least 2, that show two arms that are the same to be the same within a margin, with a power.
 *
 * @example
 * console.log(seedsForEquivalence({ margin: 0.01, sd: 0.01 })); // 11
 */
export function seedsForEquivalence({
  margin,
  sd,
  alpha,
  power = 0.8,
}: PowerOfStudy & { readonly margin: number }): number {
  const reached = (n: number) => tostPower({ n, margin, sd, ...(alpha !== undefined && { alpha }) }) >= power;
  return fewest(margin, sd, reached);
}

function fewest(size: number, sd: number, reached: (n: number) => boolean): number {
  if (!(sd >= 0)) throw new RangeError(`expected a standard deviation of at least 0, got ${sd}`);
  if (size === 0) return Number.POSITIVE_INFINITY;
  if (sd === 0) return 2;
  let [low, high] = [1, 2];
  for (; !reached(high); high *= 2) {
    if (high >= MOST_SEEDS) return Number.POSITIVE_INFINITY;
    low = high;
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (reached(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Least multiple of the standard deviation that has the power: regula falsi with Illinois' halving. */
function leastRatio(n: number, power = 0.8, powerOf: (ratio: number) => number): number {
  if (!(power > 0 && power < 1)) throw new RangeError(`expected a power between 0 and 1, got ${power}`);
  if (n < 2) return Number.POSITIVE_INFINITY;
  const excess = (ratio: number) => powerOf(ratio) - power;
  let [low, high] = [0, 1];
  let [below, above] = [-power, excess(high)];
  for (; above < 0; above = excess(high)) {
    [low, below] = [high, above];
    high *= 2;
  }
  let last = 0;
  for (let i = 0; i < 100 && high - low > 1e-12 * high; i++) {
    const at = high - (above * (high - low)) / (above - below);
    const found = excess(at);
    if (Math.abs(found) < 1e-13) return at;
    if (found < 0) {
      [low, below] = [at, found];
      if (last < 0) above /= 2;
    } else {
      [high, above] = [at, found];
      if (last > 0) below /= 2;
    }
    last = found;
  }
  return (low + high) / 2;
}

function checkOptions(sd: number, alpha: number): void {
  if (!(sd > 0)) throw new RangeError(`expected a standard deviation above 0, got ${sd}`);
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`expected a level between 0 and 1, got ${alpha}`);
}
