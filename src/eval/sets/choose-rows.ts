import { groupBy } from '../../core/lists.js';
import { random } from '../../core/random.js';
import type { EvalRow } from './eval-row.js';
import type { EvalSet } from './read-set.js';

/** A set and those of its rows that are answered, in its order. */
export interface ChosenSet extends EvalSet {
  readonly chosen: readonly EvalRow[];
}

/**
 * Chooses `rows` rows of all sets together, from each set and band in proportion to its size (Sainte-Laguë, which
 * never takes a row away when more are asked for), drawn with the seed: what is chosen for fewer rows of the same
 * sets is among what is chosen for more. All rows where `rows` is undefined or as many as there are.
 */
export function chooseRows(sets: readonly EvalSet[], rows: number | undefined, seed: number): ChosenSet[] {
  const all = sets.reduce((n, set) => n + set.rows.length, 0);
  if (rows === undefined || rows >= all) return sets.map((set) => ({ ...set, chosen: set.rows }));
  const strata = sets.flatMap((set) =>
    [...groupBy(set.rows, ({ band }) => band ?? 0)]
      .sort(([one], [other]) => one - other)
      .map(([band, members]) => random(seed, 'rows', set.name, band).shuffle(members)),
  );
  const seats = apportion(
    strata.map(({ length }) => length),
    rows,
  );
  const chosen = new Set(strata.flatMap((members, i) => members.slice(0, seats[i])));
  return sets.map((set) => ({ ...set, chosen: set.rows.filter((row) => chosen.has(row)) }));
}

/** How many of `seats` each group of these sizes gets: one by one to the largest size / (2 * given + 1). */
function apportion(sizes: readonly number[], seats: number): number[] {
  const given = sizes.map(() => 0);
  for (let n = 0; n < seats; n++) {
    let best = -1;
    let most = 0;
    for (const [i, size] of sizes.entries()) {
      const claim = given[i]! < size ? size / (2 * given[i]! + 1) : 0;
      if (claim > most) [best, most] = [i, claim];
    }
    given[best]!++;
  }
  return given;
}
