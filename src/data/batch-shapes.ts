import { groupBy } from '../core/lists.js';

/** Sizes of a batch as the model computes it: every new one costs the making of a graph. */
export interface BatchShape {
  /** Lines B, each a sequence of its own. */
  readonly lines: number;
  /** Tokens T of a line, padding among them. */
  readonly length: number;
  /** Places M for trained tokens, of which logits are computed. */
  readonly targets: number;
}

/** What a batch needs: the lines and tokens of a line that it is made for, and its trained tokens. */
export type BatchNeeds = Pick<BatchShape, 'lines' | 'length'> & { readonly trained: number };

// Measured at 135 million parameters on two cores (docs/log.md). Larger models have longer lines and lighter heads: there shorter
// lines and closer targets than needed are chosen, which costs a graph more and hardly any time.

/** Line length at which attention is as much work as all else. */
const ATTENTION_LENGTH = 1200;

/** Work of a place for a trained token, in positions of the decoder: what the head takes. */
const TARGET_WORK = 0.25;

/** Positions that could be trained while one more graph is made ready: a few seconds' worth on a CPU, a part of one on a card. */
export const SHAPE_WORK = 8192;

/** Line lengths, and numbers of targets for each of them, at most. */
const MOST_LENGTHS = 4;
const MOST_TARGETS = 2;

/** Targets are a multiple of this. */
const TARGET_STEP = 32;

/** Sizes that are told apart; where there are more, all are rounded up further. */
const SIZES = 32;

/** Work of so many lines of a length, in positions of a very short line. */
export const lineWork = (lines: number, length: number): number => lines * length * (1 + length / ATTENTION_LENGTH);

/**
 * A shape for each batch, in order, few in all: of the ways to round lengths and trained tokens up, the one of least work, where
 * one shape more must save {@link SHAPE_WORK}. Lines stay as they are; lengths are multiples of `padTo`.
 */
export function fitShapes(batches: readonly BatchNeeds[], padTo: number): BatchShape[] {
  const shapes = new Array<BatchShape>(batches.length);
  for (const [lines, own] of groupBy([...batches.keys()], (i) => batches[i]!.lines)) {
    const length = roundingUp(
      own.map((i) => batches[i]!.length),
      padTo,
    );
    const targets = roundingUp(
      own.map((i) => batches[i]!.trained),
      TARGET_STEP,
    );
    const cells = groupBy(own, (i) => `${length(batches[i]!.length)} ${targets(batches[i]!.trained)}`);
    const sizes = [...cells].map(([key, { length: count }]): Cell => {
      const [length, targets] = key.split(' ').map(Number) as [number, number];
      return { lines, length, targets, count };
    });
    for (const { shape, of } of cheapestShapes(sizes))
      for (const { length, targets } of of) for (const i of cells.get(`${length} ${targets}`)!) shapes[i] = shape;
  }
  return shapes;
}

/** So many batches that need this shape. */
interface Cell extends BatchShape {
  readonly count: number;
}

/** Rounds up to a multiple of `step` that occurs; where more than `SIZES` of them may, to some of those. */
function roundingUp(sizes: readonly number[], step: number): (size: number) => number {
  const steps = (size: number) => Math.max(1, Math.ceil(size / step));
  const most = sizes.reduce((n, size) => Math.max(n, steps(size)), 1);
  const level = (size: number) => Math.ceil(steps(size) / Math.ceil(most / SIZES));
  const largest = new Map<number, number>();
  for (const size of sizes) largest.set(level(size), Math.max(largest.get(level(size)) ?? 1, steps(size)));
  return (size) => largest.get(level(size))! * step;
}

/** The shapes of least work for cells with equal lines, each with the cells that it is for. */
function cheapestShapes(cells: readonly Cell[]): { shape: BatchShape; of: readonly Cell[] }[] {
  const byLength = levels(cells, 'length');
  const { groups } = cheapestSplit(byLength, MOST_LENGTHS, (group) => {
    const count = group.flat().reduce((n, cell) => n + cell.count, 0);
    return count * lineWork(group[0]![0]!.lines, group.at(-1)![0]!.length) + splitTargets(group.flat()).work;
  });
  return groups.flatMap((group) => {
    const { lines, length } = group.at(-1)![0]!;
    return splitTargets(group.flat()).groups.map((part) => {
      const { targets } = part.at(-1)![0]!;
      return { shape: { lines, length, targets }, of: part.flat() };
    });
  });
}

const splitTargets = (cells: readonly Cell[]) =>
  cheapestSplit(levels(cells, 'targets'), MOST_TARGETS, (group) => {
    const count = group.flat().reduce((n, cell) => n + cell.count, 0);
    return SHAPE_WORK + TARGET_WORK * count * group.at(-1)![0]!.targets;
  });

/** Cells of equal size together, rising. */
const levels = (cells: readonly Cell[], size: 'length' | 'targets'): Cell[][] =>
  [...groupBy(cells, (cell) => cell[size]).values()].sort((x, y) => x[0]![size] - y[0]![size]);

/** Cuts a list into at most `most` runs so that their costs add up to the least. */
function cheapestSplit<T>(items: readonly T[], most: number, cost: (run: readonly T[]) => number) {
  // At each index the cheapest way to cut the items up to it, in so many runs; one run more each time.
  let best = items.map((_, to) => {
    const run = items.slice(0, to + 1);
    return { work: cost(run), groups: [run] };
  });
  const costs = items.map((_, from) =>
    items.map((_, to) => (from > 0 && from <= to ? cost(items.slice(from, to + 1)) : 0)),
  );
  for (let runs = 2; runs <= most; runs++)
    best = best.map((least, to) => {
      for (let from = 1; from <= to; from++) {
        const work = best[from - 1]!.work + costs[from]![to]!;
        if (work < least.work) least = { work, groups: [...best[from - 1]!.groups, items.slice(from, to + 1)] };
      }
      return least;
    });
  return best.at(-1)!;
}
