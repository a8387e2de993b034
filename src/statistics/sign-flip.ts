import { random } from '../core/random.js';

/** Below this many differences all flips are enumerated. */
const EXACT_BELOW = 17;
/** Differences whose signs one byte flips. */
const BYTE = 8;
const WAYS = 2 ** BYTE;
/** Sums that differ by less than this share of the sum of all sizes are equal; rounding is far below it. */
const EQUAL = 1e-11;

/** How {@link signFlip} draws. */
export interface SignFlipOptions {
  /** Random flips [100,000]. */
  readonly flips?: number;
  readonly seed: number;
}

/**
 * The two-sided sign-flip permutation test that differences are symmetric around 0: how often their sum, with signs
 * drawn at random, is at least as far from 0 as it is. NaN (missing) and 0 (a tie) say nothing and are left out. With
 * fewer than 17 others every flip is enumerated; otherwise p = (1 + extreme) / (1 + flips), which is never 0. 1 for no
 * differences, or if all are 0.
 *
 * @example
 * console.log(signFlip([0.5, 0.5, 0.5, 0.5, 0.5], { seed: 0 })); // 0.0625
 */
export function signFlip(differences: ArrayLike<number>, { flips = 100_000, seed }: SignFlipOptions): number {
  const sizes = Float64Array.from(differences).filter((one) => !Number.isNaN(one) && one !== 0);
  const extreme = Math.abs(sizes.reduce((sum, one) => sum + one, 0));
  const least = extreme - EQUAL * sizes.reduce((sum, one) => sum + Math.abs(one), 0);
  const sums = byteSums(sizes);
  return sizes.length < EXACT_BELOW ? enumerate(sums, sizes.length, least) : draw(sums, least, flips, seed);
}

/** For every eight differences one after the other, their sum under each of the 256 ways to flip them. */
function byteSums(sizes: Float64Array): Float64Array {
  const sums = new Float64Array(Math.ceil(sizes.length / BYTE) * WAYS);
  for (let i = 0; i < sizes.length; i++) {
    const from = Math.floor(i / BYTE) * WAYS;
    for (let byte = 0; byte < WAYS; byte++) sums[from + byte]! += (byte >> (i % BYTE)) & 1 ? -sizes[i]! : sizes[i]!;
  }
  return sums;
}

function enumerate(sums: Float64Array, n: number, least: number): number {
  let extreme = 0;
  for (let flip = 0; flip < 2 ** n; flip++) {
    let sum = 0;
    for (let from = 0, bits = flip; from < sums.length; from += WAYS, bits >>>= BYTE) sum += sums[from + (bits & 255)]!;
    if (Math.abs(sum) >= least) extreme++;
  }
  return extreme / 2 ** n;
}

function draw(sums: Float64Array, least: number, flips: number, seed: number): number {
  const { integer } = random(seed, 'statistics', 'sign-flip');
  let extreme = 0;
  const whole = sums.length - (sums.length % (4 * WAYS));
  for (let flip = 0; flip < flips; flip++) {
    let sum = 0;
    for (let from = 0; from < whole; from += 4 * WAYS) {
      const bits = integer(2 ** 32) | 0;
      sum += sums[from + (bits & 255)]! + sums[from + WAYS + ((bits >>> 8) & 255)]!;
      sum += sums[from + 2 * WAYS + ((bits >>> 16) & 255)]! + sums[from + 3 * WAYS + (bits >>> 24)]!;
    }
    let bits = whole < sums.length ? integer(2 ** 32) | 0 : 0;
    for (let from = whole; from < sums.length; from += WAYS, bits >>>= BYTE) sum += sums[from + (bits & 255)]!;
    if (Math.abs(sum) >= least) extreme++;
  }
  return (1 + extreme) / (1 + flips);
}
