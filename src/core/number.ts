const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * The number that a text from a file says, white space around it apart; undefined where it says
 * none: digits, a point, an exponent, and nothing that only some programs take for a number, such
 * as 0x10, 1_000 or Infinity.
 */
export function numberOf(text: string): number | undefined {
  const number = NUMBER.test(text.trim()) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}
