import type { LengthControlled } from '../result/result.js';

/** Columns of AlpacaEval's `leaderboard.csv`; the first, without a name, has the model's. */
const COLUMNS = [
  '',
  'win_rate',
  'standard_error',
  'n_wins',
  'n_wins_base',
  'n_draws',
  'n_total',
  'discrete_win_rate',
  'mode',
  'avg_length',
  'length_controlled_winrate',
  'lc_standard_error',
] as const;

/** How a model does against the reference. */
export interface Standing {
  readonly generator: string;
  /** Of each pair the model's score, 0 to 1; null if missing. */
  readonly scores: readonly (number | null)[];
  /** Mean length of its answers, in characters. */
  readonly averageLength: number;
  readonly lengthControlled: LengthControlled | null;
}

/** What AlpacaEval's `get_winrate` finds, in percent and counts; rates are NaN without a verdict. */
export interface WinRate {
  readonly winRate: number;
  /** Standard error of the mean over pairs; NaN for a single one. */
  readonly standardError: number;
  readonly wins: number;
  readonly losses: number;
  readonly draws: number;
  readonly total: number;
  /** Each pair counted as won, lost or a draw. */
  readonly discreteWinRate: number;
}

/** Win rate as AlpacaEval defines it (`metrics/helpers.py`, version 0.6.6). */
export function winRateOf(scores: readonly (number | null)[]): WinRate {
  const known = scores.filter((score) => score !== null);
  const total = known.length;
  const mean = known.reduce((sum, x) => sum + x, 0) / total;
  const squares = known.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  const wins = known.filter((x) => x > 0.5).length;
  const losses = known.filter((x) => x < 0.5).length;
  return {
    winRate: 100 * mean,
    standardError: total > 1 ? 100 * Math.sqrt(squares / (total - 1) / total) : Number.NaN,
    wins,
    losses,
    draws: total - wins - losses,
    total,
    discreteWinRate: (100 * (wins + (total - wins - losses) / 2)) / total,
  };
}

/** A table in the form of AlpacaEval's leaderboard, the best first. Its standard errors are of the mean over pairs. */
export function leaderboardOf(standings: readonly Standing[]): { columns: readonly string[]; rows: string[][] } {
  const number = (value: number | null | undefined) =>
    value === null || value === undefined || Number.isNaN(value) ? '' : String(value);
  const rated = standings.map((standing) => ({ ...standing, rate: winRateOf(standing.scores) }));
  const best = rated.toSorted((x, y) => (y.rate.winRate || 0) - (x.rate.winRate || 0));
  const rows = best.map(({ generator, rate, averageLength, lengthControlled }) => [
    generator,
    ...[rate.winRate, rate.standardError, rate.wins, rate.losses, rate.draws, rate.total, rate.discreteWinRate].map(
      number,
    ),
    'community',
    number(Math.trunc(averageLength)),
    number(lengthControlled?.winRate),
    number(lengthControlled?.standardError),
  ]);
  return { columns: COLUMNS, rows };
}
