import { groupBy } from '../core/lists.js';
import { type Cell, groupOf } from './cell.js';

/** Means over the cells of each arm, by the values of the axes. */
export function plannedByArm(
  cells: readonly Cell[],
  what: 'trainedTokens' | 'steps',
): Map<string, ReadonlyMap<string, number>> {
  const mean = (of: readonly Cell[]) => of.reduce((n, cell) => n + cell.planned[what], 0) / of.length;
  return new Map(
    [...groupBy(cells, groupOf)].map(([group, inGroup]) => [
      group,
      new Map([...groupBy(inGroup, ({ arm }) => arm)].map(([arm, of]) => [arm, mean(of)])),
    ]),
  );
}

/** The arms with the most and the fewest, and how much more the most is: 0.01 is 1 %. */
export function largestDifference(means: ReadonlyMap<string, number>) {
  const arms = [...means].map(([arm, mean]) => ({ arm, mean })).sort((x, y) => x.mean - y.mean);
  const [fewest, most] = [arms[0]!, arms.at(-1)!];
  return { fewest, most, share: most.mean / fewest.mean - 1 };
}

/** Share of steps by which arms may differ without a warning. */
const FEW_STEPS = 0.05;

/**
 * Warns where arms take other numbers of steps for the same tokens: a batch that is packed has a
 * size that suits the rows of its stages, which an order may change. More steps alone can lower a
 * loss.
 */
export function unequalSteps(cells: readonly Cell[]): string[] {
  const fixed = cells.every(({ recipe }) => recipe.packLength !== undefined || recipe.batching !== 'packed');
  const help = fixed ? '' : '; a fixed `packLength` in the recipe gives all arms batches of one size';
  return [...plannedByArm(cells, 'steps')].flatMap(([group, steps]) => {
    const { fewest, most, share } = largestDifference(steps);
    if (share <= FEW_STEPS) return [];
    const where = group === '' ? '' : ` (${group})`;
    const mean = (n: number) => n.toFixed(1).replace('.0', '');
    return [
      `arms take other numbers of steps for the same tokens${where}: ${most.arm} ${mean(most.mean)}, ${fewest.arm} ${mean(fewest.mean)}; a difference between them can come from that alone${help}`,
    ];
  });
}
