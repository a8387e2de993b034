import { cut } from '../../curriculum/cut.js';
import type { StagingPlan } from '../../curriculum/staging-options.js';
import { type Confusion, confusion } from '../../statistics/kappa.js';

/** What becomes of the rows' stages when the other score cuts them. */
export interface StageMoves {
  /** Rows by their stage under the first score (row) and the second (column). */
  readonly table: Confusion;
  /** Rows by how many stages they move: 0, 1, 2, ... */
  readonly moved: readonly number[];
  /** Share of the rows that change their stage, and what it would be if the two scores had nothing to do with each other. */
  readonly changed: number;
  readonly chance: number;
  /** Rows whose score lies on both sides of a cut, under each score: chance decides their stage. */
  readonly tied: readonly [first: number, second: number];
}

/** Stages of the rows, from 0, under two scores cut in the same way. */
export interface StagePair {
  readonly first: Uint8Array;
  readonly second: Uint8Array;
  readonly tied: StageMoves['tied'];
}

/** Cuts the same rows by two scores, as staging does. */
export function stagePair(x: Float64Array, y: Float64Array, plan: StagingPlan): StagePair {
  const lengths = new Uint8Array(x.length).fill(1);
  const [one, other] = [cut(x, lengths, plan), cut(y, lengths, plan)];
  const tied = ({ cuts }: typeof one) => {
    const split = new Map(
      cuts.filter(({ tiedBelow }) => tiedBelow > 0).map((c) => [c.score, c.tiedBelow + c.tiedAbove]),
    );
    return [...split.values()].reduce((sum, rows) => sum + rows, 0);
  };
  return { first: one.stageOf, second: other.stageOf, tied: [tied(one), tied(other)] };
}

/** Counts who changes the stage and by how much. */
export function stageMoves({ first, second, tied }: StagePair, stages: number): StageMoves {
  const table = confusion(first, second, stages);
  const moved = new Array<number>(stages).fill(0);
  for (const [i, row] of table.entries()) for (const [j, rows] of row.entries()) moved[Math.abs(i - j)]! += rows;
  const n = first.length;
  const sums = (of: (i: number, j: number) => number) =>
    table.map((_, i) => table.reduce((sum, __, j) => sum + of(i, j), 0));
  const [rows, columns] = [sums((i, j) => table[i]![j]!), sums((i, j) => table[j]![i]!)];
  const byChance = rows.reduce((sum, count, i) => sum + (count / n) * (columns[i]! / n), 0);
  return { table, moved, changed: 1 - moved[0]! / n, chance: 1 - byChance, tied };
}
