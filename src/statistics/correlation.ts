import { averageRanks, type Counts, groupSizes, type Ranked, total } from './ranks.js';

/**
 * Pearson's correlation of two scores of the same rows, -1 to 1; undefined for fewer than two rows and where one of the scores is the same
 * everywhere. In three passes: means, largest deviations, and products of the deviations over these. Sums of squares would lose the digits that
 * the scores differ in, and those of large numbers would overflow.
 *
 * @example
 * console.log(pearson(rank([1, 2, 3]), rank([2, 4, 6]))); // 1
 */
export function pearson(first: Ranked, second: Ranked, counts?: Counts): number | undefined {
  const [x, y] = [first.values, second.values];
  if (isConstant(first.group, counts) || isConstant(second.group, counts)) return undefined;
  const each = 1 / total(second, counts);
  let [meanX, meanY] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    const share = counts ? counts[i]! * each : each;
    meanX += share * x[i]!;
    meanY += share * y[i]!;
  }
  let [mostX, mostY] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    if (counts?.[i] === 0) continue;
    mostX = Math.max(mostX, Math.abs(x[i]! - meanX));
    mostY = Math.max(mostY, Math.abs(y[i]! - meanY));
  }
  let [xx, yy, xy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const count = counts ? counts[i]! : 1;
    const dx = (x[i]! - meanX) / mostX;
    const dy = (y[i]! - meanY) / mostY;
    xx += count * dx * dx;
    yy += count * dy * dy;
    xy += count * dx * dy;
  }
  return ratio(xx, yy, xy);
}

/** A mean of equal numbers is not always that number, so variances do not tell. */
function isConstant(group: Int32Array, counts: Counts): boolean {
  let first = -1;
  for (let i = 0; i < group.length; i++) {
    if (counts?.[i] === 0 || group[i] === first) continue;
    if (first >= 0) return false;
    first = group[i]!;
  }
  return true;
}

/**
 * Spearman's rank correlation, -1 to 1, with the mean rank for ties; undefined as {@link pearson} is.
 *
 * @example
 * console.log(spearman(rank([1, 2, 3]), rank([1, 10, 5]))); // 0.5
 */
export function spearman(x: Ranked, y: Ranked, counts?: Counts): number | undefined {
  const mean = (total(x, counts) + 1) / 2;
  const [first, second] = [rankDeviations(x, mean, counts), rankDeviations(y, mean, counts)];
  const [of, other, groupX, groupY] = [first.byGroup, second.byGroup, x.group, y.group];
  let product = 0;
  for (let i = 0; i < groupX.length; i++) product += (counts ? counts[i]! : 1) * of[groupX[i]!]! * other[groupY[i]!]!;
  return ratio(first.squares, second.squares, product);
}

/** What the ranks lie off their mean, which is known, by group of equal values; and the sum of their squares over all rows. */
function rankDeviations(ranked: Ranked, mean: number, counts: Counts) {
  const byGroup = averageRanks(ranked, counts);
  const sizes = groupSizes(ranked, counts);
  let squares = 0;
  for (let i = 0; i < byGroup.length; i++) {
    byGroup[i]! -= mean;
    if (sizes[i]! > 0) squares += sizes[i]! * byGroup[i]! ** 2;
  }
  return { byGroup, squares };
}

/** Undefined where one side does not vary, or by less than a number can tell, as 5e-324 and 1e-323 do. */
function ratio(xx: number, yy: number, xy: number): number | undefined {
  const spread = Math.sqrt(xx) * Math.sqrt(yy);
  return spread > 0 ? Math.max(-1, Math.min(1, xy / spread)) : undefined;
}
