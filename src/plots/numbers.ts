/** A number that was written out, with a minus as wide as a plus. */
export const withMinus = (written: string): string => written.replace(/^-/, '−');

/** A difference with its sign and so many digits after the point: `+0.012`, `−0.5`; zero has none. */
export function signed(value: number, digits: number): string {
  const size = Math.abs(value).toFixed(digits);
  return Number(size) === 0 ? size : `${value < 0 ? '−' : '+'}${size}`;
}

/** A number with up to four figures, for sentences. */
export const shortNumber = (value: number): string => withMinus(String(Number(value.toPrecision(4))));

/** Digits after the point that show a number of this size with so many figures, from 0 to 8. */
export const digitsFor = (size: number, figures: number): number =>
  size > 0 && Number.isFinite(size) ? Math.max(0, Math.min(8, figures - 1 - Math.floor(Math.log10(size)))) : figures;
