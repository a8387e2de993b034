import { estimate } from './bootstrap.js';
import { type LogisticData, logisticFit, sigmoid } from './logistic.js';
import { mean, standardDeviation } from './moments.js';
import { nestedResamples } from './resample.js';
import type { ArmScores } from './win-rate.js';

/** Overlap from which the rate is shown, and below which it is no number. */
const SHOWN = 0.2;
const LEAST = 0.05;

/** What a length-controlled win rate is computed from. */
export interface LengthControlData {
  /** The arm's scores for each of its runs, NaN where missing. */
  readonly scores: ArmScores;
  /** Characters of the arm's answer less those of the baseline's, for each run. */
  readonly differences: ArmScores;
  /** A number for each row; equal numbers are one stratum of the resamples. */
  readonly strata: ArrayLike<number>;
  /** Difficulty of each row; NaN is taken as the mean. */
  readonly difficulty?: ArrayLike<number> | undefined;
}

/** How it is computed. */
export interface LengthControlOptions {
  /** Resamples that it is fitted to again, for its interval [2,000]. */
  readonly resamples?: number;
  readonly level?: number;
  readonly seed: number;
  /** Penalty r of ½ r β² on the coefficient of length [1]: keeps separable rows finite. */
  readonly ridge?: number;
}

/** The win rate at equal length, in percent. */
export interface LengthControl {
  /** Null where there is no number. */
  readonly winRate: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly standardError: number | null;
  /** The smaller of the shares of rows in which either answer is the longer; equally long ones are half in each. */
  readonly overlap: number;
  /** `extrapolated`: an overlap of 5 to 20 %. `none`: below 5 %, or no fit. */
  readonly state: 'shown' | 'extrapolated' | 'none';
  /** Why there is no number: too little overlap, or no maximum, as where one arm wins every row. */
  readonly reason: 'overlap' | 'no fit' | null;
  /** In nats: of a typical difference in length in favour of the arm, and of a deviation of difficulty. */
  readonly coefficients: {
    readonly constant: number;
    readonly length: number;
    readonly difficulty: number | null;
  } | null;
  /**
   * The penalty alone keeps the coefficients finite: length, or difficulty, separates the arm's
   * wins from its losses.
   */
  readonly separable: boolean;
}

/**
 * The win rate that a judge would have given at equal length: logit E[x] = β0 + β1 tanh(Δ/s) (+ β2
 * difficulty), with s the sample deviation of Δ, then σ(β0), or with difficulty its mean over the
 * rows. The form is that of AlpacaEval 2 (Dubois et al. 2024) for two arms, without its
 * leaderboard. Fractional targets, Newton's method; interval and standard error by fitting the
 * resamples again, the first ones of `winRateIntervals` with the same seed.
 *
 * Where the arm's answers are almost always the longer, or almost always the shorter, the rate at equal length is a
 * guess: see `state`. Scores of one half in every row give exactly 50.
 *
 * @example
 * const scores = [[1, 0.5, 0, 1, 0, 0.5, 1, 0]];
 * const differences = [[120, 30, -80, -20, 60, -10, 200, -90]];
 * const { winRate, state } = lengthControl({ scores, differences, strata: new Array(8).fill(0) }, { seed: 0 });
 * console.log(winRate!.toFixed(1), state);
 */
export function lengthControl(
  { scores, differences, strata, difficulty }: LengthControlData,
  { resamples = 2000, level = 0.95, seed, ridge = 1 }: LengthControlOptions,
): LengthControl {
  const rows = flatten(scores, differences, strata.length);
  const overlap = overlapOf(rows.deltas);
  const none = { winRate: null, low: null, high: null, standardError: null, overlap, state: 'none' } as const;
  if (!(overlap >= LEAST)) return { ...none, reason: 'overlap', coefficients: null, separable: false };
  const data = regression(rows, difficulty, ridge);
  const once = new Float64Array(rows.targets.length).fill(1);
  const coefficients = logisticFit(data);
  const beta = coefficients(once);
  const free = ridge === 0 ? beta : logisticFit({ ...data, ridge: data.ridge.map(() => 0) })(once);
  if (!beta) return { ...none, reason: 'no fit', coefficients: null, separable: !free };
  const found: (number | undefined)[] = [];
  const weights = new Float64Array(rows.targets.length);
  for (const drawn of nestedResamples(strata, [scores.length], { resamples, seed })) {
    for (let i = 0; i < weights.length; i++) weights[i] = drawn.runs[0]![rows.runs[i]!]! * drawn.rows[rows.places[i]!]!;
    const again = coefficients(weights, beta);
    found.push(again && rateOf(data, again, weights));
  }
  const { interval } = estimate(0, found, level);
  return {
    winRate: rateOf(data, beta, once),
    low: interval?.[0] ?? null,
    high: interval?.[1] ?? null,
    standardError: interval ? standardDeviation(found.filter((rate) => rate !== undefined)) : null,
    overlap,
    state: overlap >= SHOWN ? 'shown' : 'extrapolated',
    reason: null,
    coefficients: coefficientsOf(data, beta),
    separable: !free,
  };
}

/** Scores that are there, of all runs one after the other. */
interface FlatRows {
  readonly targets: Float64Array;
  readonly deltas: Float64Array;
  /** The run and the row of each. */
  readonly runs: Int32Array;
  readonly places: Int32Array;
}

function flatten(scores: ArmScores, differences: ArmScores, rows: number): FlatRows {
  const [targets, deltas, runs, places]: number[][] = [[], [], [], []];
  if (scores.length === 0 || scores.length !== differences.length)
    throw new RangeError(
      `expected as many runs of lengths as of scores, got ${differences.length} and ${scores.length}`,
    );
  for (const [run, values] of scores.entries()) {
    const lengths = differences[run]!;
    if (values.length !== rows || lengths.length !== rows)
      throw new RangeError(`expected ${rows} rows of each run, got ${values.length} and ${lengths.length}`);
    for (let i = 0; i < rows; i++) {
      if (Number.isNaN(values[i]!) || Number.isNaN(lengths[i]!)) continue;
      targets!.push(values[i]!);
      deltas!.push(lengths[i]!);
      runs!.push(run);
      places!.push(i);
    }
  }
  return {
    targets: Float64Array.from(targets!),
    deltas: Float64Array.from(deltas!),
    runs: Int32Array.from(runs!),
    places: Int32Array.from(places!),
  };
}

function overlapOf(deltas: Float64Array): number {
  let longer = 0;
  for (const delta of deltas) longer += delta > 0 ? 1 : delta < 0 ? 0 : 0.5;
  return deltas.length === 0 ? 0 : Math.min(longer, deltas.length - longer) / deltas.length;
}

const CONSTANT = 0;

/** Columns: a constant, then length and difficulty, as far as they vary. */
interface Regression extends LogisticData {
  readonly length: number | null;
  readonly difficulty: number | null;
}

function regression(rows: FlatRows, difficulty: ArrayLike<number> | undefined, ridge: number): Regression {
  const columns: Float64Array[] = [new Float64Array(rows.targets.length).fill(1)];
  const penalties = [0];
  const deviation = standardDeviation(rows.deltas);
  const place = { length: null as number | null, difficulty: null as number | null };
  if (deviation > 0) {
    place.length = columns.push(rows.deltas.map((delta) => Math.tanh(delta / deviation))) - 1;
    penalties.push(ridge);
  }
  const hard = difficulty && standardized(Float64Array.from(rows.places, (i) => difficulty[i]!));
  if (hard) {
    place.difficulty = columns.push(hard) - 1;
    penalties.push(0);
  }
  return { targets: rows.targets, columns, ridge: penalties, ...place };
}

/** Less its mean, divided by its deviation; missing ones are 0. Undefined if it does not vary. */
function standardized(values: Float64Array): Float64Array | undefined {
  const known = values.filter((value) => !Number.isNaN(value));
  const [middle, deviation] = [mean(known), standardDeviation(known)];
  if (!(deviation > 0)) return undefined;
  return values.map((value) => (Number.isNaN(value) ? 0 : (value - middle) / deviation));
}

/** The rate at equal length, in percent. */
function rateOf({ columns, difficulty }: Regression, beta: Float64Array, weights: Float64Array): number {
  if (difficulty === null) return 100 * sigmoid(beta[CONSTANT]!);
  const hard = columns[difficulty]!;
  let [sum, n] = [0, 0];
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    sum += weights[i]! * sigmoid(beta[CONSTANT]! + beta[difficulty]! * hard[i]!);
    n += weights[i]!;
  }
  return (100 * sum) / n;
}

const coefficientsOf = ({ length, difficulty }: Regression, beta: Float64Array) => ({
  constant: beta[CONSTANT]!,
  length: length === null ? 0 : beta[length]!,
  difficulty: difficulty === null ? null : beta[difficulty]!,
});
