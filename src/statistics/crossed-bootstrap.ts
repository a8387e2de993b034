import { groupBy } from '../core/lists.js';
import { random } from '../core/random.js';
import { quantile } from './bootstrap.js';

/** Differences measured for every run on every row. */
export interface CrossedData {
  /** For each run, such as a seed, the difference of every row, summed over its tokens. */
  readonly differences: readonly ArrayLike<number>[];
  /** What the rows weigh: their trained tokens. */
  readonly weights: ArrayLike<number>;
  /** Rows with equal numbers are drawn together: near-duplicates [each by itself]. */
  readonly clusters?: ArrayLike<number>;
  /** Clusters are drawn within the stratum of their first row, such as a band [one stratum]. */
  readonly strata?: ArrayLike<number>;
}

/** How {@link crossedBootstrap} draws. */
export interface CrossedOptions {
  /** [10,000] */
  readonly resamples?: number;
  /** Share of worlds whose interval covers the truth [0.95]. */
  readonly level?: number;
  readonly seed: number;
}

/** A weighted mean difference with its interval over other runs and other rows. */
export interface CrossedInterval {
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

/** Rows of clusters, by stratum. */
type Strata = readonly (readonly Int32Array[])[];

/**
 * The crossed ("pigeonhole") bootstrap of Owen (2007): runs and rows are drawn with replacement independently of each
 * other, and the weighted mean difference is taken over what both drew. Its percentile interval is about other runs and
 * other rows at once, and on the wide side rather than the narrow one. Percentile intervals over few runs are too
 * narrow: at least 8. Throws a RangeError for rows of different number, and where there is nothing to draw.
 *
 * @example
 * const differences = Array.from({ length: 8 }, (_, run) => [1 + run / 8, 2, 3 - run / 8, 2]);
 * const { difference, low, high } = crossedBootstrap({ differences, weights: [10, 10, 10, 10] }, { seed: 0 });
 * console.log(difference, low < 0.2, high > 0.2); // 0.2 true true
 */
export function crossedBootstrap(
  data: CrossedData,
  { resamples = 10_000, level = 0.95, seed }: CrossedOptions,
): CrossedInterval {
  const { differences, weights } = data;
  checkCrossed(data);
  const strata = strataOf(data);
  const runs = random(seed, 'statistics', 'crossed', 'runs');
  const rows = random(seed, 'statistics', 'crossed', 'rows');
  const [ofRun, ofRow] = [new Int32Array(differences.length), new Int32Array(weights.length)];
  const found = new Float64Array(resamples);
  for (let i = 0; i < resamples; i++) {
    ofRun.fill(0);
    for (let draw = 0; draw < ofRun.length; draw++) ofRun[runs.integer(ofRun.length)]!++;
    ofRow.fill(0);
    for (const clusters of strata)
      for (let draw = 0; draw < clusters.length; draw++)
        for (const row of clusters[rows.integer(clusters.length)]!) ofRow[row]!++;
    found[i] = weightedMean(data, ofRun, ofRow);
  }
  found.sort();
  const tail = (1 - level) / 2;
  const difference = weightedMean(data, ofRun.fill(1), ofRow.fill(1));
  return { difference, low: quantile(found, tail), high: quantile(found, 1 - tail) };
}

function checkCrossed({ differences, weights, clusters, strata }: CrossedData): void {
  if (differences.length === 0 || weights.length === 0) throw new RangeError('expected at least one run and one row');
  for (const list of [...differences, clusters ?? weights, strata ?? weights])
    if (list.length !== weights.length) throw new RangeError(`expected ${weights.length} rows, got ${list.length}`);
}

function strataOf({ weights, clusters, strata }: CrossedData): Strata {
  const rows = Array.from(weights, (_, row) => row);
  const whole = [...groupBy(rows, (row) => clusters?.[row] ?? row).values()];
  const byStratum = groupBy(whole, ([first]) => strata?.[first!] ?? 0);
  return [...byStratum.values()].map((some) => some.map((cluster) => Int32Array.from(cluster)));
}

/** Sum of the differences that both drew over the sum of their weights. */
function weightedMean({ differences, weights }: CrossedData, ofRun: Int32Array, ofRow: Int32Array): number {
  let [sum, runs, weight] = [0, 0, 0];
  for (let run = 0; run < ofRun.length; run++) {
    const drawn = ofRun[run]!;
    if (drawn === 0) continue;
    const own = differences[run]!;
    let ofOwn = 0;
    for (let row = 0; row < ofRow.length; row++) ofOwn += ofRow[row]! * own[row]!;
    sum += drawn * ofOwn;
    runs += drawn;
  }
  for (let row = 0; row < ofRow.length; row++) weight += ofRow[row]! * weights[row]!;
  return sum / (runs * weight);
}
