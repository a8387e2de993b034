import { logisticFit } from './logistic.js';
import { averageRanks, rank } from './ranks.js';

/** Fewest rows that a temperature is fitted to. */
export const TEMPERATURE_ROWS = 50;
const BINS = 10;

/** Rows with both numbers. */
function known(first: ArrayLike<number>, second: ArrayLike<number>): readonly [number, number][] {
  if (first.length !== second.length)
    throw new RangeError(`expected as many numbers of both, got ${first.length} and ${second.length}`);
  return Array.from(first, (one, i): [number, number] => [one, second[i]!]).filter(
    ([a, b]) => !Number.isNaN(a) && !Number.isNaN(b),
  );
}

/**
 * Area under the ROC curve: how often a row whose outcome is a win (above ½) has a higher score than one whose outcome
 * is a loss; equal scores count half. Ties (½) and NaN are left out. Undefined without a win and a loss.
 *
 * @example
 * console.log(auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])); // 0.75
 */
export function auc(scores: ArrayLike<number>, outcomes: ArrayLike<number>): number | undefined {
  const decided = known(scores, outcomes).filter(([, outcome]) => outcome !== 0.5);
  const wins = decided.filter(([, outcome]) => outcome > 0.5).length;
  const losses = decided.length - wins;
  if (wins === 0 || losses === 0) return undefined;
  const ranked = rank(decided.map(([score]) => score));
  const ranks = averageRanks(ranked);
  const sum = decided.reduce((total, [, outcome], i) => total + (outcome > 0.5 ? ranks[ranked.group[i]!]! : 0), 0);
  return (sum - (wins * (wins + 1)) / 2) / (wins * losses);
}

/**
 * Brier score: the mean square of probability less outcome, 0 best, 0.25 for always saying ½ of wins and losses. Pairs
 * with NaN are left out; undefined without any.
 *
 * @example
 * console.log(brier([1, 0.5], [1, 0])); // 0.125
 */
export function brier(probabilities: ArrayLike<number>, outcomes: ArrayLike<number>): number | undefined {
  const pairs = known(probabilities, outcomes);
  if (pairs.length === 0) return undefined;
  return pairs.reduce((sum, [p, outcome]) => sum + (p - outcome) ** 2, 0) / pairs.length;
}

/**
 * Expected calibration error: the distance between mean probability and mean outcome, over ten bins of equal width
 * (the last one includes 1), weighted by their rows. Pairs with NaN are left out; undefined without any. Throws a
 * RangeError for what is not a probability.
 *
 * @example
 * console.log(calibrationError([0.8, 0.8, 0.8, 0.8], [1, 1, 1, 0]).toFixed(2)); // 0.05
 */
export function calibrationError(
  probabilities: ArrayLike<number>,
  outcomes: ArrayLike<number>,
  bins = BINS,
): number | undefined {
  const pairs = known(probabilities, outcomes);
  const gaps = new Float64Array(bins);
  for (const [p, outcome] of pairs) {
    if (!(p >= 0 && p <= 1)) throw new RangeError(`expected a probability, got ${p}`);
    gaps[Math.min(bins - 1, Math.floor(p * bins))]! += p - outcome;
  }
  return pairs.length === 0 ? undefined : gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / pairs.length;
}

/** What log-odds are divided by, so that they become probabilities. */
export interface Temperature {
  /** 1 if not calibrated. */
  readonly temperature: number;
  readonly calibrated: boolean;
  /** Why not. `opposed`: the log-odds point the other way, or nowhere. `separable`: they are never wrong. */
  readonly reason: 'few rows' | 'opposed' | 'separable' | null;
  readonly rows: number;
}

/**
 * Temperature τ for which σ(d/τ) fits another judge's outcomes (0, ½, 1, or probabilities): logistic regression without
 * a constant, so that d = 0 stays ½. Needs 50 rows with both; NaN is left out.
 *
 * @example
 * const odds = Array.from({ length: 60 }, (_, i) => (i % 5) - 2);
 * const { temperature } = fitTemperature(odds, odds.map((d, i) => (i % 7 === 0 ? 0.5 : d > 0 ? 0.8 : 0.3)));
 * console.log(temperature.toFixed(2));
 */
export function fitTemperature(logOdds: ArrayLike<number>, outcomes: ArrayLike<number>): Temperature {
  const pairs = known(logOdds, outcomes);
  const not = (reason: Temperature['reason']) => ({ temperature: 1, calibrated: false, reason, rows: pairs.length });
  if (pairs.length < TEMPERATURE_ROWS) return not('few rows');
  const odds = Float64Array.from(pairs, ([d]) => d);
  // Scaled, so that log-odds of any size start the fit alike.
  const scale = Math.sqrt(odds.reduce((sum, d) => sum + d * d, 0) / odds.length);
  if (scale === 0) return not('opposed');
  const targets = Float64Array.from(pairs, ([, outcome]) => outcome);
  const columns = [odds.map((d) => d / scale)];
  const beta = logisticFit({ targets, columns, ridge: [0] })(new Float64Array(odds.length).fill(1));
  if (!beta) return not(targets.reduce((sum, x, i) => sum + (x - 0.5) * odds[i]!, 0) > 0 ? 'separable' : 'opposed');
  if (!(beta[0]! > 0)) return not('opposed');
  return { temperature: scale / beta[0]!, calibrated: true, reason: null, rows: pairs.length };
}
