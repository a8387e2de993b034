/** Sizes between which sums, squares and parts of numbers neither overflow nor vanish. */
const [SMALL, LARGE] = [1e-100, 1e100];

/**
 * A power of ten that brings the largest of these numbers to an ordinary size, so that it can be
 * calculated with; 1 where it has one. Numbers can be as small as 5e-324, where the difference of
 * two is rounded to nothing, or so large that their sum is infinite.
 */
export function scaleToOrdinary(values: Iterable<number>): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  if (most === 0 || (most >= SMALL && most <= LARGE)) return 1;
  return 10 ** Math.max(-300, Math.min(300, -Math.floor(Math.log10(most))));
}

/**
 * A number rounded to four digits after the point, or, where that takes most of what it is, to four
 * digits in total.
 */
export function roundShort(value: number): number {
  const size = Math.abs(value);
  if (size === 0 || (size >= 0.001 && size < 1e12)) return Math.round(value * 1e4) / 1e4;
  const short = Number(value.toPrecision(4));
  // The largest numbers cannot be rounded up.
  return Number.isFinite(short) ? short : value;
}
