import { type Estimate, estimate } from './bootstrap.js';
import { type Curve, maximize } from './newton.js';
import { stratifiedResamples } from './resample.js';
import type { WinRateOptions } from './win-rate.js';

/** Verdicts on two arms in one order. */
export interface Games {
  /** Which arms, from 0: the one that stood first and the other one. */
  readonly first: number;
  readonly second: number;
  /** How often the first was better, neither, or the second. */
  readonly wins: number;
  readonly ties: number;
  readonly losses: number;
}

/** Strengths of arms, in nats. */
export interface Davidson {
  /** Of each arm; 0 for arm 0. */
  readonly strengths: readonly number[];
  /** What standing first is worth: the judge's position bias. */
  readonly order: number;
  /** How readily the judge calls a tie: the log-odds of a tie between equal arms; null if it never does. */
  readonly ties: number | null;
}

/**
 * Fits Davidson's model of ties (1970) with the order effect of Davidson and Beaver (1977): the
 * first wins in proportion to e^(g+λ_i), the second to e^λ_j, and they tie to e^(ν+(g+λ_i+λ_j)/2).
 * Newton's method from 0. Without ties it is Bradley and Terry's model. Undefined if there is no
 * maximum, as where an arm never loses or arms were never compared, directly or through others; and
 * where all verdicts are ties, or all pairs were asked in one order that g cannot be separated
 * from strength.
 *
 * @example
 * const fit = davidson(2, [
 *   { first: 0, second: 1, wins: 30, ties: 10, losses: 20 },
 *   { first: 1, second: 0, wins: 40, ties: 8, losses: 12 },
 * ]);
 * console.log(fit!.strengths[1]!.toFixed(2), fit!.order.toFixed(2));
 */
export function davidson(arms: number, games: readonly Games[], start?: Davidson): Davidson | undefined {
  const tied = games.some(({ ties }) => ties > 0);
  if (games.every(({ wins, losses }) => wins + losses === 0)) return undefined;
  const size = arms + (tied ? 1 : 0);
  const from = new Float64Array(size);
  if (start) {
    from.set(start.strengths.slice(1));
    from[arms - 1] = start.order;
    if (tied) from[arms] = start.ties ?? 0;
  }
  const found = maximize((point) => likelihood(arms, games, point, tied), from);
  if (!found) return undefined;
  return { strengths: [0, ...found.subarray(0, arms - 1)], order: found[arms - 1]!, ties: tied ? found[arms]! : null };
}

/** Log-likelihood of λ of all arms but the first, then g, then ν. */
function likelihood(arms: number, games: readonly Games[], point: Float64Array, tied: boolean): Curve {
  const n = point.length;
  const [gradient, curvature] = [new Float64Array(n), new Float64Array(n * n)];
  let value = 0;
  for (const { first, second, wins, ties, losses } of games) {
    // What each outcome takes of the parameters: the first wins, they tie, the second wins.
    const outcomes = (tied ? [1, 0.5, 0] : [1, 0]).map((half) => {
      const takes = new Float64Array(n);
      if (first > 0) takes[first - 1]! += half;
      if (second > 0) takes[second - 1]! += 1 - half;
      takes[arms - 1] = half;
      if (half === 0.5) takes[arms] = 1;
      return takes;
    });
    const counts = tied ? [wins, ties, losses] : [wins, losses];
    const scores = outcomes.map((takes) => takes.reduce((sum, one, k) => sum + one * point[k]!, 0));
    const most = Math.max(...scores);
    const total = scores.reduce((sum, one) => sum + Math.exp(one - most), 0);
    const chances = scores.map((one) => Math.exp(one - most) / total);
    const all = wins + ties + losses;
    const middle = gradient.map((_, k) => outcomes.reduce((sum, takes, o) => sum + chances[o]! * takes[k]!, 0));
    for (const [o, takes] of outcomes.entries()) {
      value += counts[o]! * (scores[o]! - most - Math.log(total));
      for (let k = 0; k < n; k++) {
        gradient[k]! += counts[o]! * (takes[k]! - middle[k]!);
        for (let l = 0; l < n; l++)
          curvature[k * n + l]! += all * chances[o]! * (takes[k]! - middle[k]!) * (takes[l]! - middle[l]!);
      }
    }
  }
  return { value, gradient, curvature };
}

/** Verdicts on all rows of two arms in one order. */
export interface RowGames {
  readonly first: number;
  readonly second: number;
  /** For each row 1 if the first was better, 0 if the second, ½ for a tie, NaN where missing. */
  readonly scores: ArrayLike<number>;
}

/** {@link Davidson} with intervals. */
export interface DavidsonEstimate {
  readonly strengths: readonly Estimate[];
  readonly order: Estimate;
  readonly ties: Estimate;
  /** What each arm would win against arm 0 if the order did not matter, in percent, ties as half. */
  readonly winRates: readonly Estimate[];
}

/**
 * Strengths of all arms from verdicts on all their pairs, with intervals by fitting resamples of the rows again. Values
 * are null where there is no maximum. Throws a RangeError for scores other than 0, ½, 1 and NaN.
 *
 * @example
 * const scores = Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? 0 : i % 7 === 0 ? 0.5 : 1));
 * const games = [{ first: 1, second: 0, scores }, { first: 0, second: 1, scores: scores.map((x) => 1 - x) }];
 * const { winRates } = davidsonIntervals(2, games, new Array(40).fill(0), { seed: 0, resamples: 200 });
 * console.log(winRates[1]);
 */
export function davidsonIntervals(
  arms: number,
  games: readonly RowGames[],
  strata: ArrayLike<number>,
  { resamples = 10_000, level = 0.95, seed }: WinRateOptions,
): DavidsonEstimate {
  for (const { scores } of games) checkScores(scores, strata.length);
  const fit = davidson(arms, tally(games, new Int32Array(strata.length).fill(1)));
  const found: (Davidson | undefined)[] = [];
  if (fit)
    for (const counts of stratifiedResamples(strata, { resamples, seed }))
      found.push(davidson(arms, tally(games, counts), fit));
  const over = (value: (one: Davidson) => number | null) =>
    estimate(
      (fit && value(fit)) ?? undefined,
      found.map((one) => (one && value(one)) ?? undefined),
      level,
    );
  const each = Array.from({ length: arms }, (_, arm) => arm);
  return {
    strengths: each.map((arm) => over(({ strengths }) => strengths[arm]!)),
    order: over(({ order }) => order),
    ties: over(({ ties }) => ties),
    winRates: each.map((arm) => over((one) => expectedRate(one, arm))),
  };
}

function expectedRate({ strengths, ties }: Davidson, arm: number): number {
  const [own, tie] = [Math.exp(strengths[arm]!), ties === null ? 0 : Math.exp(ties + strengths[arm]! / 2)];
  return (100 * (own + tie / 2)) / (own + tie + 1);
}

function checkScores(scores: ArrayLike<number>, rows: number): void {
  if (scores.length !== rows) throw new RangeError(`expected ${rows} scores, one for each row, got ${scores.length}`);
  for (const score of Array.from(scores))
    if (![0, 0.5, 1].includes(score) && !Number.isNaN(score))
      throw new RangeError(`expected 0, 0.5, 1 or NaN, got ${score}`);
}

function tally(games: readonly RowGames[], counts: Int32Array): Games[] {
  return games.map(({ first, second, scores }) => {
    let [wins, ties, losses] = [0, 0, 0];
    for (let i = 0; i < counts.length; i++) {
      const score = scores[i]!;
      if (score === 1) wins += counts[i]!;
      else if (score === 0) losses += counts[i]!;
      else if (score === 0.5) ties += counts[i]!;
    }
    return { first, second, wins, ties, losses };
  });
}
