import { random } from '../core/random.js';

/** Below this many differences all flips are enumerated. */
const EXACT_BELOW = 17;
/** Differences whose signs one byte flips. */
const BYTE = 8;
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
  const tables = byteSums(sizes);
  return sizes.length < EXACT_BELOW ? enumerate(tables, sizes.length, least) : draw(tables, least, flips, seed);
}

/** For every eight differences, their sum under each of the 256 ways to flip them. */
function byteSums(sizes: Float64Array): Float64Array[] {
  return Array.from({ length: Math.ceil(sizes.length / BYTE) }, (_, chunk) => {
    const part = sizes.subarray(chunk * BYTE, (chunk + 1) * BYTE);
    return Float64Array.from({ length: 2 ** BYTE }, (_, byte) =>
      part.reduce((sum, one, bit) => sum + ((byte >> bit) & 1 ? -one : one), 0),
    );
  });
}

function enumerate(tables: readonly Float64Array[], n: number, least: number): number {
  let extreme = 0;
  for (let flip = 0; flip < 2 ** n; flip++) {
    const sum = tables.reduce((total, table, i) => total + table[(flip >> (BYTE * i)) & 255]!, 0);
    if (Math.abs(sum) >= least) extreme++;
  }
  return extreme / 2 ** n;
}

function draw(tables: readonly Float64Array[], least: number, flips: number, seed: number): number {
  const { integer } = random(seed, 'statistics', 'sign-flip');
  let extreme = 0;
  for (let flip = 0; flip < flips; flip++) {
    let [sum, bits] = [0, 0];
    for (let i = 0; i < tables.length; i++) {
      bits = i % 4 === 0 ? integer(2 ** 32) : bits >>> BYTE;
      sum += tables[i]![bits & 255]!;
    }
    if (Math.abs(sum) >= least) extreme++;
  }
  return (1 + extreme) / (1 + flips);
}
