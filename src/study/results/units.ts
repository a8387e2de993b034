import { groupBy } from '../../core/lists.js';
import { mean } from '../../statistics/moments.js';
import type { Cell } from '../cell.js';

/** What makes a cell a cell, apart from its recipe. */
export type CellKey = Pick<Cell, 'id' | 'arm' | 'axes' | 'seed' | 'split'>;

/** What counts as one observation: see {@link unitOf}. */
export type Unit = 'seed' | 'split';

/** From so many hold-outs on, they are what varies at random. */
const SPLITS_AS_UNITS = 3;

/**
 * What counts as one observation. Blocks of one split have the same hold-out and training rows, so that their
 * differences have something in common; a t test over all blocks would take them for independent and find too much.
 *
 * One or two splits are given, and seeds are drawn: differences are averaged over the splits within each seed, and the
 * interval is about other seeds with these hold-outs. Three splits and more are drawn: differences are averaged over
 * the seeds within each split, and the interval is about other hold-outs too.
 */
export const unitOf = (cells: readonly Pick<Cell, 'split'>[]): Unit =>
  unitOfSplits(new Set(cells.map(({ split }) => split)).size);

/** {@link unitOf} a study of so many splits. */
export const unitOfSplits = (splits: number): Unit => (splits >= SPLITS_AS_UNITS ? 'split' : 'seed');

/** A number of a block. */
export interface BlockNumber {
  readonly seed: number;
  readonly split: number;
  readonly value: number;
}

/** Means of the numbers of each unit, in the order of the units' first numbers. */
export const unitMeans = (numbers: readonly BlockNumber[], unit: Unit): number[] =>
  [...groupBy(numbers, (number) => number[unit]).values()].map((ofUnit) => mean(ofUnit.map(({ value }) => value)));

/**
 * {@link unitMeans} of differences within blocks. Where seeds are the units, one that misses some of its
 * `planned` blocks is left out: its mean would be about other hold-outs than the rest.
 */
export function differencesOf(
  differences: readonly BlockNumber[],
  planned: readonly Pick<Cell, 'seed' | 'split'>[],
  unit: Unit,
): number[] {
  if (unit === 'split') return unitMeans(differences, unit);
  const blocks = groupBy(planned, ({ seed }) => seed);
  const found = groupBy(differences, ({ seed }) => seed);
  return unitMeans(
    differences.filter(({ seed }) => found.get(seed)!.length === blocks.get(seed)!.length),
    unit,
  );
}

/** A number as a file has it: null where it is not finite. */
export const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
