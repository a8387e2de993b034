import type { Counts } from './ranks.js';

/** How many rows are in category i by the first rater (row) and j by the second (column). */
export type Confusion = readonly (readonly number[])[];

/**
 * Counts rows by the categories, from 0, that two raters put them into.
 *
 * @example
 * console.log(confusion([0, 1, 1], [0, 1, 0], 2)); // [[1, 0], [1, 1]]
 */
export function confusion(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  categories: number,
  counts?: Counts,
): Confusion {
  const table = Array.from({ length: categories }, () => new Array<number>(categories).fill(0));
  for (let i = 0; i < first.length; i++) table[first[i]!]![second[i]!]! += counts ? counts[i]! : 1;
  return table;
}

/**
 * Cohen's kappa with quadratic weights (Cohen 1968), at most 1, 0 for chance: a disagreement counts
 * with the square of the distance between the categories. Undefined if all rows are in one
 * category, where chance would never disagree.
 *
 * @example
 * const kappa = quadraticKappa(confusion([0, 1, 2, 2], [0, 1, 2, 1], 3));
 */
export function quadraticKappa(table: Confusion): number | undefined {
  const rows = table.map((row) => row.reduce((sum, n) => sum + n, 0));
  const columns = table.map((_, j) => table.reduce((sum, row) => sum + row[j]!, 0));
  const n = rows.reduce((sum, count) => sum + count, 0);
  let [observed, expected] = [0, 0];
  for (const [i, row] of table.entries())
    for (const [j, count] of row.entries()) {
      observed += (i - j) ** 2 * count;
      expected += ((i - j) ** 2 * rows[i]! * columns[j]!) / n;
    }
  return expected > 0 ? 1 - observed / expected : undefined;
}

/**
 * Cohen's kappa (1960), at most 1, 0 for chance: every disagreement counts the same. Undefined without rows, or if all
 * of them are in one category, where chance would never disagree.
 *
 * @example
 * console.log(kappa(confusion([0, 1, 1, 0], [0, 1, 0, 0], 2))); // 0.5
 */
export function kappa(table: Confusion): number | undefined {
  const rows = table.map((row) => row.reduce((sum, n) => sum + n, 0));
  const columns = table.map((_, j) => table.reduce((sum, row) => sum + row[j]!, 0));
  const n = rows.reduce((sum, count) => sum + count, 0);
  const chance = rows.reduce((sum, count, i) => sum + count * columns[i]!, 0) / n / n;
  const agreed = table.reduce((sum, row, i) => sum + row[i]!, 0) / n;
  return chance < 1 ? (agreed - chance) / (1 - chance) : undefined;
}
