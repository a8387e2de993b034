/**
 * Mean of numbers; NaN of none.
 *
 * @example
 * console.log(mean([1, 2, 6])); // 3
 */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/**
 * Sample standard deviation (divided by n - 1); NaN of fewer than two numbers, and exactly 0 for equal ones.
 *
 * @example
 * console.log(standardDeviation([1, 3])); // 1.4142135623730951
 */
export const standardDeviation = (values: ArrayLike<number>): number => Math.sqrt(covariance(values, values));

/**
 * Sample covariance of two lists of numbers of the same length (divided by n - 1); NaN of fewer than two pairs.
 *
 * @example
 * console.log(covariance([1, 2, 3], [2, 4, 6])); // 2
 */
export function covariance(x: ArrayLike<number>, y: ArrayLike<number>): number {
  if (x.length < 2) return Number.NaN;
  // Around the first pair, so that equal numbers have no variance at all, and large ones lose no digits.
  const [x0, y0] = [x[0]!, y[0]!];
  let [sumX, sumY] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    sumX += x[i]! - x0;
    sumY += y[i]! - y0;
  }
  const [meanX, meanY] = [sumX / x.length, sumY / x.length];
  let products = 0;
  for (let i = 0; i < x.length; i++) products += (x[i]! - x0 - meanX) * (y[i]! - y0 - meanY);
  return products / (x.length - 1);
}
