import { estimate } from './bootstrap.js';
import { standardDeviation } from './moments.js';
import { nestedResamples } from './resample.js';

/** Scores of an arm against the baseline for each of its runs: from 0 to 1 for every row, NaN where missing. */
export type ArmScores = readonly ArrayLike<number>[];

/** A win rate in percent, with its interval. */
export interface WinRateInterval {
  /** Mean score of all rows and runs that have one; NaN without any. */
  readonly winRate: number;
  /** The percentile interval; NaN if more than one resample of twenty has no row. */
  readonly low: number;
  readonly high: number;
  /** Standard deviation of the win rate over the resamples; NaN as the interval. */
  readonly standardError: number;
  /** Scores that it is computed from, over all runs. */
  readonly n: number;
  readonly missing: number;
  /** The win rate if all missing rows were lost, or won; null where none is missing. */
  readonly bounds: { readonly low: number; readonly high: number } | null;
}

/** How intervals of win rates are made. */
export interface WinRateOptions {
  /** Bootstrap resamples [10,000]. */
  readonly resamples?: number;
  /** Share of worlds whose interval covers the truth [0.95]. */
  readonly level?: number;
  readonly seed: number;
}

/**
 * Win rates of arms over the same rows, in percent, with percentile bootstrap intervals from one set of draws: rows
 * within each stratum and, where an arm has several runs, its runs first. With one run the interval covers the choice
 * of instructions only. A missing row (NaN) is left out of the rate and counted in the bounds. If every score is one
 * half, the interval is exactly [50, 50]; so it is for a single row at its own score.
 *
 * Throws a RangeError if a run has another number of rows than `strata`, or an arm has no run.
 *
 * @param strata a number for each row, such as the place of its set; equal numbers are one stratum.
 * @example
 * const [arm] = winRateIntervals([[[1, 1, 0.5, Number.NaN]]], [0, 0, 0, 0], { seed: 0 });
 * console.log(arm!.winRate.toFixed(1), arm!.bounds); // 83.3 { low: 62.5, high: 87.5 }
 */
export function winRateIntervals(
  arms: readonly ArmScores[],
  strata: ArrayLike<number>,
  { resamples = 10_000, level = 0.95, seed }: WinRateOptions,
): WinRateInterval[] {
  for (const runs of arms) checkRuns(runs, strata.length);
  const scores = arms.map((runs) => runs.map(present));
  const found = arms.map(() => new Float64Array(resamples));
  let i = 0;
  const counts = arms.map((runs) => runs.length);
  for (const { rows, runs } of nestedResamples(strata, counts, { resamples, seed })) {
    for (let arm = 0; arm < scores.length; arm++) found[arm]![i] = rate(scores[arm]!, rows, runs[arm]!);
    i++;
  }
  return scores.map((runs, arm) => summary(runs, found[arm]!, level));
}

/**
 * The win rate alone, in percent: the mean score of all rows and runs that have one, NaN without any.
 *
 * @example
 * console.log(winRate([[1, 1, 0.5, Number.NaN]]).toFixed(1)); // 83.3
 */
export function winRate(runs: ArmScores): number {
  const rows = runs[0]?.length ?? 0;
  return rate(runs.map(present), new Int32Array(rows).fill(1), new Int32Array(runs.length).fill(1));
}

function checkRuns(runs: ArmScores, rows: number): void {
  if (runs.length === 0) throw new RangeError('expected at least one run of every arm');
  for (const { length } of runs)
    if (length !== rows) throw new RangeError(`expected ${rows} scores, one for each row, got ${length}`);
}

/** The scores of a run that are there, and the places of their rows; no places if all are there. */
interface Present {
  readonly scores: Float64Array;
  readonly places: Int32Array | undefined;
  readonly rows: number;
}

function present(run: ArrayLike<number>): Present {
  const places = Int32Array.from({ length: run.length }, (_, i) => i).filter((i) => !Number.isNaN(run[i]!));
  const rows = run.length;
  if (places.length === rows) return { scores: Float64Array.from(run), places: undefined, rows };
  return { scores: Float64Array.from(places, (i) => run[i]!), places, rows };
}

/** Sum of a run's scores in a resample of the rows, and how many there are. */
function sums({ scores, places }: Present, rows: Int32Array): readonly [sum: number, n: number] {
  let [sum, n] = [0, 0];
  if (places)
    for (let i = 0; i < places.length; i++) {
      const drawn = rows[places[i]!]!;
      sum += drawn * scores[i]!;
      n += drawn;
    }
  else
    for (let i = 0; i < rows.length; i++) {
      sum += rows[i]! * scores[i]!;
      n += rows[i]!;
    }
  return [sum, n];
}

/** Win rate in a resample, in percent; NaN if none of its rows has a score. */
function rate(runs: readonly Present[], rows: Int32Array, counts: Int32Array): number {
  let [sum, n] = [0, 0];
  for (let run = 0; run < runs.length; run++) {
    const count = counts[run]!;
    if (count === 0) continue;
    const [runSum, runN] = sums(runs[run]!, rows);
    sum += count * runSum;
    n += count * runN;
  }
  return (100 * sum) / n;
}

function summary(runs: readonly Present[], found: Float64Array, level: number): WinRateInterval {
  const rows = runs[0]!.rows;
  const winRate = rate(runs, new Int32Array(rows).fill(1), new Int32Array(runs.length).fill(1));
  const defined = found.filter((one) => !Number.isNaN(one));
  const values = Array.from(found, (one) => (Number.isNaN(one) ? undefined : one));
  const { interval } = estimate(Number.isNaN(winRate) ? undefined : winRate, values, level);
  const missing = runs.reduce((sum, { rows, scores }) => sum + rows - scores.length, 0);
  const all = rows * runs.length;
  const won = runs.reduce((sum, { scores }) => sum + scores.reduce((total, one) => total + one, 0), 0);
  return {
    winRate,
    low: interval?.[0] ?? Number.NaN,
    high: interval?.[1] ?? Number.NaN,
    standardError: interval ? standardDeviation(defined) : Number.NaN,
    n: all - missing,
    missing,
    bounds: missing === 0 ? null : { low: (100 * won) / all, high: (100 * (won + missing)) / all },
  };
}
