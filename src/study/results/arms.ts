import { groupBy } from '../../core/lists.js';
import { mean, standardDeviation } from '../../statistics/moments.js';
import { tTest } from '../../statistics/t-test.js';
import { twoWay } from '../../statistics/two-way.js';
import { blockOf, type Cell, groupOf } from '../cell.js';
import type { Measured } from './measure.js';
import type { Parts } from './parts.js';
import type { Results } from './results.js';
import { finite, unitMeans } from './units.js';

/** Arms of every group, in the order of the cells. */
const byArm = (cells: readonly Cell[]): Cell[][] => [
  ...groupBy(cells, (cell) => JSON.stringify([groupOf(cell), cell.arm])).values(),
];

/** Every arm with its values and what they come to. */
export function armsOf({ study, measured, values, about }: Parts): Results['arms'] {
  return byArm(study.cells).map((cells) => {
    const counted = cells.flatMap(({ id, seed, split }) =>
      values.has(id) ? [{ cell: id, seed, split, value: values.get(id)! }] : [],
    );
    const means = unitMeans(counted, about.unit);
    const test = tTest(means, 1 - about.alpha);
    const done = counted.map(({ cell }) => measured.cells.get(cell)!);
    return {
      arm: cells[0]!.arm,
      axes: cells[0]!.axes,
      n: counted.length,
      planned: cells.length,
      mean: finite(test.mean),
      sd: finite(standardDeviation(means)),
      interval: means.length < 2 ? null : { low: test.low, high: test.high },
      values: counted,
      trainedTokens: finite(mean(done.map(({ trainedTokens }) => trainedTokens))),
      matrix: meanMatrix(done),
    };
  });
}

/** Means over the cells; where one of them has no matrix, there is none. */
function meanMatrix(cells: readonly Measured[]): Results['arms'][number]['matrix'] {
  const least = Math.min(...cells.map(({ matrix }) => matrix.length));
  return Array.from({ length: cells.length === 0 ? 0 : least }, (_, i) => {
    const rows = cells.map(({ matrix }) => matrix[i]!);
    return {
      after: rows[0]!.after,
      losses: rows[0]!.losses.map((_, band) => finite(mean(rows.map(({ losses }) => losses[band]!)))),
      all: finite(mean(rows.map(({ all }) => all))),
    };
  });
}

/**
 * Components of variance of each group with two complete blocks and more. Win rates have none: that of the control
 * against itself is 50 in every block.
 */
export function componentsOf({ study, values, about }: Parts): Results['components'] {
  if (about.metricUnit === 'points') return [];
  return [...groupBy(study.cells, groupOf).values()].flatMap((cells) => {
    const arms = [...new Set(cells.map(({ arm }) => arm))];
    const table = [...groupBy(cells, blockOf).values()].flatMap((block) => {
      const ofArm = new Map(block.map(({ arm, id }) => [arm, values.get(id)]));
      const row = arms.flatMap((arm) => ofArm.get(arm) ?? []);
      return row.length === arms.length ? [row] : [];
    });
    if (table.length < 2) return [];
    const { shares, pairing } = twoWay(table);
    return [
      {
        axes: cells[0]!.axes,
        blocks: table.length,
        arms: shares.arms,
        block: shares.blocks,
        rest: shares.rest,
        pairing,
        saved: Math.max(0, pairing),
      },
    ];
  });
}
