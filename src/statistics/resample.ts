import { random } from '../core/random.js';

/** How resamples are drawn. */
export interface ResampleOptions {
  readonly resamples: number;
  readonly seed: number;
}

/**
 * Resamples of rows, drawn with replacement within each stratum (each set keeps its number of rows), as the number of
 * times that every row was drawn. One resample serves all arms, which keeps their comparison paired. The array is
 * reused for the next resample; the first 2,000 are the same whether 2,000 or 10,000 are drawn. A stratum of one row is
 * drawn once in every resample. Nothing is drawn from no rows: the arrays are empty.
 *
 * @param strata a number for each row; equal numbers are one stratum.
 * @example
 * for (const counts of stratifiedResamples([0, 0, 0, 1, 1], { resamples: 3, seed: 0 })) console.log(counts.join(' '));
 */
export function* stratifiedResamples(
  strata: ArrayLike<number>,
  { resamples, seed }: ResampleOptions,
): Generator<Int32Array> {
  const { integer } = random(seed, 'statistics', 'rows');
  const groups = rowsByStratum(strata);
  const counts = new Int32Array(strata.length);
  for (let i = 0; i < resamples; i++) {
    counts.fill(0);
    for (const rows of groups) for (let draw = 0; draw < rows.length; draw++) counts[rows[integer(rows.length)]!]!++;
    yield counts;
  }
}

function rowsByStratum(strata: ArrayLike<number>): Int32Array[] {
  const groups = new Map<number, number[]>();
  for (let i = 0; i < strata.length; i++) {
    const rows = groups.get(strata[i]!);
    if (rows) rows.push(i);
    else groups.set(strata[i]!, [i]);
  }
  return [...groups.values()].map((rows) => Int32Array.from(rows));
}

/** A resample of runs within each arm and of rows, which all runs share. */
export interface NestedResample {
  readonly rows: Int32Array;
  /** For each arm, how often each of its runs was drawn. */
  readonly runs: readonly Int32Array[];
}

/**
 * As {@link stratifiedResamples}, and before the rows the runs of each arm: an interval then also covers what another
 * seed of training would have given. An arm with one run keeps it. The rows are those of {@link stratifiedResamples}
 * with the same seed. All arrays are reused.
 *
 * @param runs how many runs each arm has.
 * @example
 * for (const { runs, rows } of nestedResamples([0, 0, 0], [3], { resamples: 2, seed: 0 }))
 *   console.log(runs[0]!.join(' '), rows.join(' '));
 */
export function* nestedResamples(
  strata: ArrayLike<number>,
  runs: readonly number[],
  options: ResampleOptions,
): Generator<NestedResample> {
  const { integer } = random(options.seed, 'statistics', 'runs');
  const drawn = runs.map((count) => new Int32Array(count));
  for (const rows of stratifiedResamples(strata, options)) {
    for (const counts of drawn) {
      counts.fill(0);
      for (let draw = 0; draw < counts.length; draw++) counts[integer(counts.length)]!++;
    }
    yield { rows, runs: drawn };
  }
}
