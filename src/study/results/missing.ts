import { groupBy } from '../../core/lists.js';
import { fisherExact } from '../../statistics/fisher.js';
import { holm } from '../../statistics/holm.js';
import { groupOf } from '../cell.js';
import type { CellState } from '../state.js';
import type { Results } from './results.js';
import type { CellKey } from './units.js';

/** Arms with cells that do not count, by group, and why; `reasons` by id has every cell without a value. */
export function missingOf(
  cells: readonly CellKey[],
  states: readonly CellState[],
  reasons: ReadonlyMap<string, string>,
): Results['missing'] {
  const stateOf = new Map(cells.map(({ id }, i) => [id, states[i]!]));
  return [...groupBy(cells, (cell) => JSON.stringify([groupOf(cell), cell.arm])).values()].flatMap((planned) => {
    const missing = planned.filter(({ id }) => reasons.has(id));
    if (missing.length === 0) return [];
    const byReason = groupBy(missing, ({ id }) => reasons.get(id)!);
    const sorted = [...byReason].sort(([x], [y]) => (x < y ? -1 : 1));
    const examples = sorted.flatMap(([, [first]]) => {
      const state = stateOf.get(first!.id)!;
      return state.state === 'failed' ? [{ cell: first!.id, failure: state.failure, reason: state.reason }] : [];
    });
    return {
      arm: planned[0]!.arm,
      axes: planned[0]!.axes,
      planned: planned.length,
      missing: missing.length,
      reasons: Object.fromEntries(sorted.map(([reason, { length }]) => [reason, length])),
      examples,
    };
  });
}

/**
 * Whether what is missing depends on the arm: Fisher's exact test of each arm against all others, the smallest p by
 * Holm. Null where nothing is missing.
 */
export function missingDiffers(cells: readonly CellKey[], reasons: ReadonlyMap<string, string>): number | null {
  if (reasons.size === 0) return null;
  const [all, missing] = [cells.length, cells.filter(({ id }) => reasons.has(id)).length];
  const ps = [...groupBy(cells, ({ arm }) => arm).values()].map((own) => {
    const gone = own.filter(({ id }) => reasons.has(id)).length;
    return fisherExact([
      [gone, own.length - gone],
      [missing - gone, all - own.length - (missing - gone)],
    ]);
  });
  return Math.min(...holm(ps));
}
