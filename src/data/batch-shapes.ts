import { groupBy } from '../core/lists.js';

/** How large a batch is: so many lines of so many tokens. */
export interface BatchSize {
  /** Lines B, each a separate sequence. */
  readonly lines: number;
  /** Tokens T of a line, padding among them. */
  readonly length: number;
}

/** Sizes of a micro-batch as the model computes it: every new shape costs the making of a graph. */
export interface BatchShape extends BatchSize {
  /** Places M for trained tokens, whose logits are computed. */
  readonly targets: number;
}

// Measured at 135 million parameters on two cores (docs/log.md). Larger models have longer lines
// and lighter heads: there these numbers choose shorter lines and closer targets than needed, which
// costs one more graph and hardly any time.

/** Line length at which attention is as much work as everything else. */
const ATTENTION_LENGTH = 1200;

/** Work of a place for a trained token, in positions of the decoder: what the head takes. */
const TARGET_WORK = 0.25;

/**
 * Positions that could be trained while one more graph is made ready: a few seconds' worth on a
 * CPU, less than one on a card.
 */
export const SHAPE_WORK = 8192;

/** At most so many line lengths for batches of equally many lines, and so many numbers of targets for each length. */
const MOST_LENGTHS = 4;
const MOST_TARGETS = 2;

/** Targets are a multiple of this. */
const TARGET_STEP = 32;

/**
 * Most different lengths, and numbers of targets, to choose among; where there are more, all are
 * rounded up further first.
 */
const MOST_SIZES = 32;

/** Work of so many lines of a length, in positions of a very short line. */
export const lineWork = (lines: number, length: number): number => lines * length * (1 + length / ATTENTION_LENGTH);

/** Shapes of a run on a card: each takes seconds to compile and tune there, and padding takes little time. */
export const CARD_SHAPES = 2;

/**
 * A shape for each batch, in order, few in all. `exact` is what each batch needs: lines, tokens of
 * its longest line, trained tokens. Of the ways to round lengths and targets up this is the one of
 * least work, where each further shape must save {@link SHAPE_WORK}. The number of lines stays as
 * it is; lengths are multiples of `padTo`. Where these are more than `most`, those that it costs the
 * least work become one, in lines too.
 */
export function fitShapes(exact: readonly BatchShape[], padTo: number, most = Number.POSITIVE_INFINITY): BatchShape[] {
  const shapes = new Array<BatchShape>(exact.length);
  for (const [lines, batches] of groupBy([...exact.keys()], (i) => exact[i]!.lines)) {
    const sizes = batches.map((i) => exact[i]!);
    const [length, targets] = [roundUp(sizes, 'length', padTo), roundUp(sizes, 'targets', TARGET_STEP)];
    const groups = groupBy(batches.keys(), (i) => `${length[i]} ${targets[i]}`).values();
    const rounded = [...groups].map((group): RoundedShape => {
      const first = group[0]!;
      return { lines, length: length[first]!, targets: targets[first]!, batches: group.map((i) => batches[i]!) };
    });
    for (const { shape, covers } of cheapestShapes(rounded))
      for (const i of covers.flatMap((one) => one.batches)) shapes[i] = shape;
  }
  return joinShapes(shapes, most);
}

/** Work of a batch of this shape, in positions of a very short line. */
const shapeWork = ({ lines, length, targets }: BatchShape): number => lineWork(lines, length) + TARGET_WORK * targets;

/** The same with at most so many shapes: of all pairs the one that costs the least is joined, until they are few. */
function joinShapes(shapes: readonly BatchShape[], most: number): BatchShape[] {
  let groups = [...groupBy(shapes.keys(), (i) => JSON.stringify(shapes[i])).values()].map((batches) => ({
    shape: shapes[batches[0]!]!,
    batches,
  }));
  while (groups.length > most) {
    const pairs = groups.flatMap((x, i) => groups.slice(i + 1).map((y) => [x, y] as const));
    const joined = pairs.map(([x, y]) => {
      const shape = largerOf(x.shape, y.shape);
      const more = ({ shape: before, batches }: typeof x) => batches.length * (shapeWork(shape) - shapeWork(before));
      return { x, y, shape, cost: more(x) + more(y) };
    });
    const { x, y, shape } = joined.reduce((best, each) => (each.cost < best.cost ? each : best));
    groups = [
      ...groups.filter((group) => group !== x && group !== y),
      { shape, batches: [...x.batches, ...y.batches] },
    ];
  }
  const result = new Array<BatchShape>(shapes.length);
  for (const { shape, batches } of groups) for (const i of batches) result[i] = shape;
  return result;
}

const largerOf = (x: BatchShape, y: BatchShape): BatchShape => ({
  lines: Math.max(x.lines, y.lines),
  length: Math.max(x.length, y.length),
  targets: Math.max(x.targets, y.targets),
});

/** A shape that some batches need, each known by its index. */
interface RoundedShape extends BatchShape {
  readonly batches: readonly number[];
}

type Dimension = 'length' | 'targets';

/**
 * Each shape's length or targets, rounded up to a multiple of `step` that is the largest of its
 * neighbours: of itself alone, or of several where there are more than {@link MOST_SIZES} different
 * multiples.
 */
function roundUp(shapes: readonly BatchShape[], dimension: Dimension, step: number): number[] {
  const multiples = shapes.map((shape) => Math.max(1, Math.ceil(shape[dimension] / step)));
  const width = Math.ceil(multiples.reduce((most, n) => Math.max(most, n), 1) / MOST_SIZES);
  const neighbours = (n: number) => Math.ceil(n / width);
  const largest = new Map<number, number>();
  for (const n of multiples) largest.set(neighbours(n), Math.max(largest.get(neighbours(n)) ?? 1, n));
  return multiples.map((n) => largest.get(neighbours(n))! * step);
}

/** The shapes of least work, each with the rounded shapes that it replaces; all have equally many lines. */
function cheapestShapes(rounded: readonly RoundedShape[]): { shape: BatchShape; covers: readonly RoundedShape[] }[] {
  const { groups } = cheapestSplit(sortedBy(rounded, 'length'), MOST_LENGTHS, (group) => {
    const { lines, length } = largestOf(group);
    return countBatches(group) * lineWork(lines, length) + splitTargets(group.flat()).work;
  });
  return groups.flatMap((group) => {
    const { lines, length } = largestOf(group);
    return splitTargets(group.flat()).groups.map((part) => {
      const { targets } = largestOf(part);
      return { shape: { lines, length, targets }, covers: part.flat() };
    });
  });
}

const splitTargets = (rounded: readonly RoundedShape[]) =>
  cheapestSplit(
    sortedBy(rounded, 'targets'),
    MOST_TARGETS,
    (group) => SHAPE_WORK + TARGET_WORK * countBatches(group) * largestOf(group).targets,
  );

/** Shapes that are equal in one dimension together, the smallest first. */
const sortedBy = (rounded: readonly RoundedShape[], dimension: Dimension): RoundedShape[][] =>
  [...groupBy(rounded, (shape) => shape[dimension]).values()].sort((x, y) => x[0]![dimension] - y[0]![dimension]);

const largestOf = (sorted: readonly (readonly RoundedShape[])[]): RoundedShape => sorted.at(-1)![0]!;
const countBatches = (groups: readonly (readonly RoundedShape[])[]): number =>
  groups.flat().reduce((n, { batches }) => n + batches.length, 0);

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
