import { dataError } from '../core/errors.js';
import { random } from '../core/random.js';
import { leastConfounded, logLength } from './length-cut.js';
import { naturalBreaks } from './natural-breaks.js';
import type { StagingPlan } from './staging-options.js';

/** A border between two stages. */
export interface Cut {
  /** The threshold, or the lowest score of the stage above. */
  readonly score: number;
  /**
   * Rows with exactly this score that fell below the border; 0 where ties are kept together. The
   * seed decided which.
   */
  readonly tiedBelow: number;
  /** Rows with exactly this score that fell above it. */
  readonly tiedAbove: number;
}

/** The stage of each row, from 0, and the borders between the stages. */
export interface CutResult {
  readonly stageOf: Uint8Array;
  readonly cuts: readonly Cut[];
  /** Rows in the order of their scores, equal ones in random order by the seed. */
  readonly order: Uint32Array;
}

/** Rows sorted by score, and the first place of each group of equal scores. */
interface SortedRows {
  readonly order: Uint32Array;
  readonly starts: Uint32Array;
  readonly scores: Float64Array;
  readonly tokens: ArrayLike<number>;
}

/**
 * Puts each row into a stage. `scores` are finite numbers, `tokens` the lengths of the rows. Under
 * thresholds a row that reaches a threshold goes above it, and a stage may stay empty. By rows or
 * tokens the rows are put in order of their scores and cut where the sums come nearest to equal
 * shares, at least one row a stage; a border can run between rows of equal score, which are in
 * random order by the seed, unless ties stay together. By jenks the borders are natural breaks, see
 * {@link naturalBreaks}; by length they are where {@link leastConfounded} finds them. Throws a data
 * error where there are fewer different scores than stages and ties stay together, and where no cut
 * gives every stage its least share.
 *
 * @example
 * const scores = Float64Array.from([1, 1, 2, 4, 5, 5]);
 * const tokens = [10, 12, 30, 31, 60, 80];
 * const { stageOf } = cut(scores, tokens, resolveStaging(stagingOptionsSchema.parse({ stages: 2 })));
 * console.log(stageOf);
 */
export function cut(scores: Float64Array, tokens: ArrayLike<number>, plan: StagingPlan): CutResult {
  const sorted = sortRows(scores, tokens, plan.seed);
  const { order } = sorted;
  const borders = bordersOf(sorted, plan);
  const stageOf = new Uint8Array(scores.length);
  for (const [stage, border] of borders.entries())
    for (let place = border; place < (borders[stage + 1] ?? order.length); place++) stageOf[order[place]!] = stage + 1;
  const cuts = borders.map((border, i): Cut => {
    const score = plan.thresholds?.[i] ?? scores[order[border]!]!;
    let [from, to] = [border, border];
    while (from > 0 && scores[order[from - 1]!] === score) from--;
    while (to < order.length && scores[order[to]!] === score) to++;
    return { score, tiedBelow: border - from, tiedAbove: to - border };
  });
  return { stageOf, cuts, order };
}

function sortRows(scores: Float64Array, tokens: ArrayLike<number>, seed: number): SortedRows {
  const turn = new Uint32Array(scores.length);
  const rows = Array.from({ length: scores.length }, (_, row) => row);
  for (const [i, row] of random(seed, 'curriculum', 'ties').shuffle(rows).entries()) turn[row] = i;
  const order = Uint32Array.from(rows).sort((x, y) => scores[x]! - scores[y]! || turn[x]! - turn[y]!);
  const starts = order.filter((row, place) => place === 0 || scores[order[place - 1]!] !== scores[row]);
  let [start, place] = [0, 0];
  for (const row of order) {
    if (row === starts[start]) starts[start++] = place;
    place++;
  }
  return { order, starts, scores, tokens };
}

/** First places of the second and later stages. */
function bordersOf(sorted: SortedRows, plan: StagingPlan): number[] {
  const { order, starts, scores } = sorted;
  const { by, stages } = plan;
  if (by === 'thresholds') return plan.thresholds!.map((threshold) => firstReaching(scores, order, threshold));
  const split = (by === 'rows' || by === 'tokens') && plan.ties === 'split';
  if (!split && starts.length < stages)
    throw dataError(
      `the scores have only ${starts.length} different value${starts.length === 1 ? '' : 's'}; ${stages} stages that keep equal scores together need as many`,
      {
        scores: starts.length,
        stages,
        remedies: [
          { advice: 'make fewer stages' },
          by === 'rows' || by === 'tokens'
            ? { option: 'ties', change: 'set', value: 'split' }
            : { option: 'by', change: 'set', value: 'rows' },
        ],
      },
    );
  if (by === 'jenks') {
    const values = Float64Array.from(starts, (place) => scores[order[place]!]!);
    return naturalBreaks(values, sizesOf(starts, order.length), stages).map((group) => starts[group]!);
  }
  if (by === 'length') return cutByLength(sorted, plan);
  const weigh = by === 'tokens' ? (place: number) => sorted.tokens[order[place]!]! : () => 1;
  const groups = split ? Uint32Array.from(order, (_, place) => place) : starts;
  return equalBorders(sums(groups, order.length, weigh), stages).map((group) => groups[group]!);
}

/** First place whose score reaches a threshold; the number of rows where none does. */
function firstReaching(scores: Float64Array, order: Uint32Array, threshold: number): number {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (scores[order[middle]!]! >= threshold) high = middle;
    else low = middle + 1;
  }
  return low;
}

function cutByLength({ order, starts, tokens }: SortedRows, { stages, minShare }: StagingPlan): number[] {
  const lengths = Float64Array.from(order, (row) => logLength(tokens[row]!));
  const borders = leastConfounded(starts, lengths, stages, minShare! * order.length);
  if (borders) return borders;
  throw dataError(
    `no cut into ${stages} stages gives each at least ${minShare} of the rows and keeps equal scores together`,
    { stages, minShare, remedies: [{ option: 'minShare', change: 'lower' }, { advice: 'make fewer stages' }] },
  );
}

const sizesOf = (starts: Uint32Array, rows: number): Float64Array => sums(starts, rows, () => 1);

/** Sum of the weights of the places in each group. */
function sums(starts: Uint32Array, rows: number, weigh: (place: number) => number): Float64Array {
  const totals = new Float64Array(starts.length);
  for (let group = 0; group < starts.length; group++)
    for (let place = starts[group]!; place < (starts[group + 1] ?? rows); place++) totals[group]! += weigh(place);
  return totals;
}

/** First groups of the second and later parts: where the running sum is nearest to an equal share, no part empty. */
function equalBorders(weights: Float64Array, parts: number): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const borders: number[] = [];
  let place = 0;
  let before = 0;
  for (let part = 1; part < parts; part++) {
    const target = (total * part) / parts;
    const least = (borders.at(-1) ?? 0) + 1;
    const most = weights.length - (parts - part);
    const nearer = () => Math.abs(before + weights[place]! - target) <= Math.abs(before - target);
    while (place < most && (place < least || nearer())) before += weights[place++]!;
    borders.push(place);
  }
  return borders;
}
