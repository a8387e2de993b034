/**
 * Unit roundoff: a number that is rounded to nearest is off by at most this share of itself.
 * float32 has 24 significant bits, bfloat16 has 8.
 */
export const UNIT = { float32: 2 ** -24, bfloat16: 2 ** -8 } as const;

/**
 * The most that a sum of `n` products is off by, in whatever order it is added up, as a share of
 * the sum of the absolute values of its terms: each term is rounded at most n times (Higham,
 * Accuracy and Stability of Numerical Algorithms, section 3.1). `n` is also the number of roundings
 * of a formula whose terms do not cancel.
 */
export function gamma(n: number, unit: number = UNIT.float32): number {
  return (n * unit) / (1 - n * unit);
}

/**
 * What a sum of `n` products is off by in the mean square at most: roundings are independent and of
 * both signs, so they add up as a random walk (Higham and Mary, SIAM J. Sci. Comput. 41, 2019). It
 * is as if every factor were off by this share of itself.
 */
export function typicalError(n: number, unit: number = UNIT.float32): number {
  return Math.sqrt(n) * unit;
}
