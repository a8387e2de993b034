import { mean } from './moments.js';

/** Components of the variance of a table of arms and blocks. */
export interface TwoWay {
  /** Mean squares of the analysis of variance with one number per cell. */
  readonly meanSquares: { readonly arms: number; readonly blocks: number; readonly rest: number };
  /** Variances by the method of moments; one that comes out below 0 is 0. */
  readonly variances: { readonly arms: number; readonly blocks: number; readonly rest: number };
  /** The variances as shares of their sum, 0 to 1; all 0 where nothing varies. */
  readonly shares: { readonly arms: number; readonly blocks: number; readonly rest: number };
  /**
   * Correlation of two arms over blocks, as the table has it: (MS_blocks - MS_rest) / (MS_blocks + (arms - 1) MS_rest).
   * Pairing by block takes this share off the variance of a difference; below 0 it adds to it. 0 where nothing varies.
   */
  readonly pairing: number;
}

/**
 * Analysis of variance of a complete table, a row for each block and a column for each arm, in closed form: how much of
 * what varies is due to arms, to blocks (seeds), and to neither. Throws a RangeError for fewer than two blocks or arms,
 * or rows of different lengths.
 *
 * @example
 * const { shares, pairing } = twoWay([[1, 2], [3, 4.5], [5, 5.5]]);
 * console.log(shares.blocks.toFixed(2), pairing.toFixed(2)); // 0.86 0.97
 */
export function twoWay(table: readonly (readonly number[])[]): TwoWay {
  const [blocks, arms] = [table.length, table[0]?.length ?? 0];
  if (blocks < 2 || arms < 2)
    throw new RangeError(`expected two blocks and two arms or more, got ${blocks} and ${arms}`);
  for (const { length } of table)
    if (length !== arms) throw new RangeError(`expected ${arms} numbers in every block, got ${length}`);
  // Around the first number, so that equal numbers have no variance at all.
  const rows = table.map((row) => row.map((value) => value - table[0]![0]!));
  const ofBlock = rows.map((row) => mean(row));
  const ofArm = rows[0]!.map((_, arm) => mean(rows.map((row) => row[arm]!)));
  const all = mean(ofBlock);
  const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0);
  const rest =
    squares(rows.flatMap((row, block) => row.map((value, arm) => value - ofBlock[block]! - ofArm[arm]! + all))) /
    ((blocks - 1) * (arms - 1));
  const meanSquares = {
    arms: (blocks * squares(ofArm.map((one) => one - all))) / (arms - 1),
    blocks: (arms * squares(ofBlock.map((one) => one - all))) / (blocks - 1),
    rest,
  };
  const variances = {
    arms: Math.max(0, (meanSquares.arms - rest) / blocks),
    blocks: Math.max(0, (meanSquares.blocks - rest) / arms),
    rest,
  };
  const sum = variances.arms + variances.blocks + rest;
  const share = (variance: number) => (sum > 0 ? variance / sum : 0);
  const within = meanSquares.blocks + (arms - 1) * rest;
  return {
    meanSquares,
    variances,
    shares: { arms: share(variances.arms), blocks: share(variances.blocks), rest: share(rest) },
    pairing: within > 0 ? (meanSquares.blocks - rest) / within : 0,
  };
}
