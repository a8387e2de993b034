import { usageError } from '../core/errors.js';
import { groupBy } from '../core/lists.js';
import { type Random, random } from '../core/random.js';
import type { InstructionRecord } from '../data/record.js';
import type { PlanOptions } from './options.js';
import type { Order, PlannedStage, Stage } from './types.js';

/** What planning reads of a row. */
export type ScoredRow = Pick<InstructionRecord, 'score'>;

/** Rows that are trained as one stage, before replay and shuffling. */
interface Group<Row> {
  readonly rows: readonly Row[];
  /** Which rows these are, for people. */
  readonly what: string;
}

/** A band of difficulty: a stage of the set. */
interface Band<Row> extends Group<Row> {
  readonly index: number;
}

/** Each order is a way to regroup the bands; what it makes of them is as large as they are, one by one. */
const ORDERS: Readonly<Record<Order, Regroup>> = {
  phased: smooth,
  reversed: smooth,
  shuffled: smooth,
  // They become one stage only after replay is drawn for each of them.
  'one-off': (bands) => bands,
  random: (bands, _, rng) => cutLike(bands, rng.shuffle(allRows(bands))).map((rows) => ({ rows, what: 'random rows' })),
};

type Regroup = <Row extends ScoredRow>(
  bands: readonly Band<Row>[],
  smoothness: number,
  rng: Random,
) => readonly Group<Row>[];

/**
 * The bands in the order in which they are trained first, from 1. `shuffled` draws one of the orders other than from
 * easy to hard, all equally likely; two bands have only one such order, from hard to easy.
 *
 * @example
 * console.log(bandOrder({ order: 'reversed', seed: 1 }, 3)); // [ 3, 2, 1 ]
 */
export function bandOrder({ order, seed }: Pick<PlanOptions, 'order' | 'seed'>, bands: number): number[] {
  const rising = Array.from({ length: bands }, (_, i) => i + 1);
  if (order === 'reversed') return rising.reverse();
  if (order !== 'shuffled' || bands < 2) return rising;
  const rng = random(seed, 'plan', 'bands');
  for (;;) {
    const drawn = rng.shuffle(rising);
    if (drawn.some((band, i) => band !== rising[i])) return drawn;
  }
}

const allRows = <Row>(groups: readonly Group<Row>[]): Row[] => groups.flatMap(({ rows }) => rows);

/** Number of training stages that an order makes of a set. */
export const plannedStageCount = (set: { readonly stages: readonly unknown[] }, order: Order): number =>
  order === 'one-off' ? 1 : set.stages.length;

/**
 * Which rows each training stage visits, in the order of its first epoch; pure and decided by the
 * seed. Held-out rows are never among them.
 *
 * `smoothness` s mixes the bands of `phased`, `reversed` and `shuffled`: from 0, a band a stage, to 1, all
 * bands in every stage in proportion. With n rows in a band, m in those trained before it and N in
 * all, its i-th row (i from 0, in seeded order) gets the place (1 - s) (m + i + 1/2) + s N (i +
 * 1/2) / n: between where it is when one band follows the other and where it is when they run side
 * by side. Rows in the order of their places are cut into stages as large as the bands. So every
 * row comes once, and the share of the band trained first falls from stage to stage while that of
 * the last rises, to within rounding.
 *
 * `replay` adds rows of the stages trained before (under `reversed` these are the harder ones) as a
 * share of the stage's own rows: each at most once while there are enough of them, then each once
 * more, and so on. The first stage has nothing to replay. `one-off` is one stage of all that
 * `phased` visits with the same replay and seed, row by row as often. Throws a usage error when a
 * list of shares has another length than the set has stages.
 *
 * @example
 * const options = planOptionsSchema.parse({ order: 'random', seed: 1 });
 * const stages = planStages(await readStaged('staged'), options);
 * console.log(stages.map(({ rows }) => rows.length));
 */
export function planStages<Row extends ScoredRow>(
  set: { readonly stages: readonly Stage<Row>[] },
  { order, smoothness, within, replay, seed }: PlanOptions,
): PlannedStage<Row>[] {
  const bands = set.stages.map(
    ({ index, rows }): Band<Row> => ({ index, rows, what: `band ${index}, ${scoreSpan(rows)}` }),
  );
  const inOrder = bandOrder({ order, seed }, bands.length).map((band) => bands[band - 1]!);
  const groups = ORDERS[order](inOrder, smoothness, random(seed, 'plan', 'membership'));
  const shares = typeof replay === 'number' ? groups.map(() => replay) : replay;
  if (shares.length !== groups.length)
    throw usageError(
      `\`replay\`: expected one share for each of the ${groups.length} stages, got ${shares.length} (${shares.join(', ')})`,
      { option: 'replay', expected: groups.length, actual: shares.length },
    );
  const visits = groups.map((group, i) => {
    const earlier = allRows(groups.slice(0, i));
    const n = Math.round(shares[i]! * group.rows.length);
    return { ...group, again: draw(earlier, n, random(seed, 'plan', 'replay', i)) };
  });
  const stages = order === 'one-off' ? [mergeVisits(visits)] : visits;
  return stages.map(({ rows, again, what }, i) => {
    const visited = random(seed, 'plan', 'within', i).shuffle([...rows, ...again]);
    if (within === 'score') visited.sort((x, y) => (x.score! - y.score!) * (order === 'reversed' ? -1 : 1));
    const label = `stage ${i + 1} of ${stages.length}: ${what}`;
    return { index: i + 1, label, rows: visited, replayed: again.length };
  });
}

/** A group and the rows of groups before it that it visits again. */
interface Visit<Row> extends Group<Row> {
  readonly again: readonly Row[];
}

const mergeVisits = <Row>(visits: readonly Visit<Row>[]): Visit<Row> => ({
  rows: allRows(visits),
  again: visits.flatMap(({ again }) => again),
  what: 'all rows',
});

/** Mixed bands, in the order of `bands`; see {@link planStages} for the formula. */
function smooth<Row>(bands: readonly Band<Row>[], smoothness: number, rng: Random): readonly Group<Row>[] {
  if (smoothness === 0) return bands;
  const total = allRows(bands).length;
  let before = 0;
  const placed = bands.flatMap((band) => {
    const start = before;
    before += band.rows.length;
    return rng.shuffle(band.rows).map((row, i) => {
      const [apart, together] = [start + i + 0.5, (total * (i + 0.5)) / band.rows.length];
      return { row, band, place: (1 - smoothness) * apart + smoothness * together };
    });
  });
  placed.sort((x, y) => x.place - y.place);
  return cutLike(bands, placed).map((stage) => ({
    rows: stage.map(({ row }) => row),
    what: mixOf(stage.map(({ band }) => band)),
  }));
}

/** Items in pieces as large as the groups, one by one. */
function cutLike<T>(groups: readonly Group<unknown>[], items: readonly T[]): T[][] {
  let taken = 0;
  return groups.map(({ rows }) => {
    taken += rows.length;
    return items.slice(taken - rows.length, taken);
  });
}

/** What rows of these bands are, for people: `67 % band 1, 33 % band 2`, or the band where it is one. */
function mixOf(bands: readonly Band<unknown>[]): string {
  const counts = [...groupBy(bands, (band) => band)].sort(([x], [y]) => x.index - y.index);
  if (counts.length === 1) return counts[0]![0].what;
  const percent = (n: number) => Math.round((100 * n) / bands.length);
  return counts.map(([{ index }, { length }]) => `${percent(length) || 'under 1'} % band ${index}`).join(', ');
}

/** `n` rows of a pool in random order, each as often as the others or once more. */
function draw<Row>(pool: readonly Row[], n: number, rng: Random): Row[] {
  let drawn: Row[] = [];
  while (drawn.length < n && pool.length > 0) drawn = drawn.concat(rng.shuffle(pool).slice(0, n - drawn.length));
  return drawn;
}

function scoreSpan(rows: readonly ScoredRow[]): string {
  const scores = rows.map(({ score }) => score!).sort((x, y) => x - y);
  return scores[0] === scores.at(-1) ? `score ${scores[0]}` : `score ${scores[0]} to ${scores.at(-1)}`;
}
