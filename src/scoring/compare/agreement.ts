import { type BootstrapOptions, type Estimate, estimate, resamples } from '../../statistics/bootstrap.js';
import { pearson, spearman } from '../../statistics/correlation.js';
import { confusion, quadraticKappa } from '../../statistics/kappa.js';
import { countPairs, kendallTauB, orderAgreement, type PairCounts, pairOrder } from '../../statistics/pairs.js';
import { type Counts, rank } from '../../statistics/ranks.js';
import type { StagePair } from './moves.js';

/** How well two scores agree on the same rows. */
export interface Agreement {
  /** Same order among the pairs of rows that both scores tell apart, in percent; 50 is chance. */
  readonly order: Estimate;
  /** Same answer among all pairs, a tie being its own answer, in percent. */
  readonly orderWithTies: Estimate;
  readonly spearman: Estimate;
  readonly kendall: Estimate;
  /** Quadratic weighted kappa of the stages that the two scores cut the rows into. */
  readonly kappa: Estimate;
  /** The same of the scores themselves, rounded to whole numbers (halves up); only where both are known to be on one scale. */
  readonly kappaRounded: Estimate;
  readonly pearson: Estimate;
  /**
   * Spearman's correlation of the two scores less that of the first with the length of the answer, whichever way round that goes: above
   * 0, the second score orders the rows more as the first does than length would. Only where all lengths are known.
   */
  readonly overLength: Estimate;
  /** The pairs of rows that the first two and Kendall's tau come from. */
  readonly pairs: PairCounts;
}

type Statistics<K extends string> = Readonly<Record<K, number | undefined>>;

/** Values of some statistics with their intervals; yields how many resamples are done. The rows of a resample are the same for all. */
function* bootstrap<K extends string>(
  rows: number,
  statistics: (counts?: Counts) => Statistics<K>,
  options: BootstrapOptions,
): Generator<number, Record<K, Estimate>> {
  const values = statistics();
  const names = Object.keys(values) as K[];
  const found = new Map(names.map((name) => [name, [] as (number | undefined)[]]));
  let done = 0;
  for (const counts of resamples(rows, options)) {
    const drawn = statistics(counts);
    for (const name of names) found.get(name)!.push(drawn[name]);
    yield ++done;
  }
  const estimates = names.map((name) => [name, estimate(values[name], found.get(name)!, options.level)] as const);
  return Object.fromEntries(estimates) as Record<K, Estimate>;
}

/** Steps of a scale from which rounding to whole numbers is no rating any more. */
const MOST_STEPS = 100;

/** Scores as steps of a scale from 0; undefined where it is no scale of whole numbers or a score lies beyond it. */
function onScale(x: Float64Array, y: Float64Array, [low, high]: readonly number[]) {
  if (!Number.isInteger(low) || !Number.isInteger(high) || high! - low! > MOST_STEPS) return undefined;
  if ([x, y].some((scores) => scores.some((score) => score < low! || score > high!))) return undefined;
  const steps = (scores: Float64Array) => scores.map((score) => Math.round(score) - low!);
  return { x: steps(x), y: steps(y), steps: high! - low! + 1 };
}

/** Two scores of the same rows. */
export interface ScoredPair {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly staged: StagePair;
  readonly stages: number;
  /** Lowest and highest score, where both are on one scale. */
  readonly range?: readonly number[] | undefined;
  /** Estimated tokens of the rows' answers, where they are known. */
  readonly answers?: ArrayLike<number> | undefined;
}

/** How well two scores of the same rows agree; yields how many resamples are done. Stages stay as they were cut from all rows. */
export function* measureAgreement(
  { x, y, staged: { first, second }, stages, range, answers }: ScoredPair,
  options: BootstrapOptions,
): Generator<number, Agreement> {
  const rounded = range && onScale(x, y, range);
  const [one, other, length] = [rank(x), rank(y), answers && rank(answers)];
  const order = pairOrder(one, other);
  const statistics = (counts?: Counts) => {
    const pairs = countPairs(order, counts);
    const { untied, tied } = orderAgreement(pairs);
    const correlation = spearman(one, other, counts);
    const byLength = length && spearman(one, length, counts);
    return {
      order: untied,
      orderWithTies: tied,
      spearman: correlation,
      kendall: kendallTauB(pairs),
      kappa: quadraticKappa(confusion(first, second, stages, counts)),
      kappaRounded: rounded && quadraticKappa(confusion(rounded.x, rounded.y, rounded.steps, counts)),
      pearson: pearson(one, other, counts),
      overLength: correlation === undefined || byLength === undefined ? undefined : correlation - Math.abs(byLength),
    };
  };
  const estimates = yield* bootstrap(x.length, statistics, options);
  return { ...estimates, pairs: countPairs(order) };
}

/** Spearman's correlation of a score with the estimated tokens of a row and its parts. */
export interface LengthCorrelation {
  readonly rows: number;
  readonly both: Estimate;
  readonly instruction: Estimate;
  readonly answer: Estimate;
}

/** A score and the estimated tokens of its row's parts. */
export interface RowLength {
  readonly score: number;
  readonly instruction: number;
  readonly answer: number;
}

/** How much a score goes by length alone; yields how many resamples are done. */
export function* lengthCorrelation(
  rows: readonly RowLength[],
  options: BootstrapOptions,
): Generator<number, LengthCorrelation> {
  const ranked = (of: (row: RowLength) => number) => rank(rows.map(of));
  const score = ranked((row) => row.score);
  const both = ranked((row) => row.instruction + row.answer);
  const [instruction, answer] = [ranked((row) => row.instruction), ranked((row) => row.answer)];
  const statistics = (counts?: Counts) => ({
    both: spearman(score, both, counts),
    instruction: spearman(score, instruction, counts),
    answer: spearman(score, answer, counts),
  });
  const estimates = yield* bootstrap(rows.length, statistics, options);
  return { rows: rows.length, ...estimates };
}
