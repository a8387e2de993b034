import { type BootstrapOptions, type Estimate, estimate, resamples } from '../../statistics/bootstrap.js';
import { kappa } from '../../statistics/kappa.js';
import type { Agreement, Interval } from './people-schema.js';
import type { Side } from './read-sheets.js';

/** Two votes about a pair. */
export interface TwoVotes {
  /** The pair's name: votes about one pair are drawn together. */
  readonly pair: string;
  readonly first: Side;
  readonly second: Side;
}

const PLACE: Readonly<Record<Side, number>> = { baseline: 0, tie: 1, arm: 2 };

/**
 * How often two kinds of raters say the same, as FastChat's `compute_agreement` counts it: over all
 * votes, and over those in which neither said tie. Intervals are bootstraps of the pairs, whatever
 * the number of votes about each.
 */
export function agreementOf(votes: readonly TwoVotes[], options: BootstrapOptions): Agreement {
  const names = [...new Set(votes.map(({ pair }) => pair))];
  const places = new Map(names.map((name, i) => [name, i]));
  const tables = names.map(() => new Float64Array(9));
  for (const { pair, first, second } of votes) tables[places.get(pair)!]![3 * PLACE[first] + PLACE[second]]!++;
  const whole = figuresOf(sumOf(tables));
  const drawn = { agreement: [], decided: [], kappa: [] } as Record<keyof Figures, (number | undefined)[]>;
  for (const counts of resamples(names.length, names.length === 0 ? { ...options, resamples: 0 } : options)) {
    const figures = figuresOf(sumOf(tables, counts));
    for (const name of FIGURES) drawn[name].push(figures[name]);
  }
  const shown = (name: keyof Figures) => flat(estimate(whole[name], drawn[name], options.level));
  return {
    votes: votes.length,
    pairs: names.length,
    agreement: shown('agreement'),
    decided: shown('decided'),
    kappa: shown('kappa'),
  };
}

const FIGURES = ['agreement', 'decided', 'kappa'] as const;

type Figures = Readonly<Record<(typeof FIGURES)[number], number | undefined>>;

function sumOf(tables: readonly Float64Array[], counts?: Int32Array): Float64Array {
  const sum = new Float64Array(9);
  for (const [i, table] of tables.entries()) {
    const times = counts ? counts[i]! : 1;
    if (times > 0) for (let cell = 0; cell < 9; cell++) sum[cell]! += times * table[cell]!;
  }
  return sum;
}

function figuresOf(table: Float64Array): Figures {
  const at = (i: number, j: number) => table[3 * i + j]!;
  const all = table.reduce((sum, n) => sum + n, 0);
  const decided = at(0, 0) + at(0, 2) + at(2, 0) + at(2, 2);
  return {
    agreement: all > 0 ? (at(0, 0) + at(1, 1) + at(2, 2)) / all : undefined,
    decided: decided > 0 ? (at(0, 0) + at(2, 2)) / decided : undefined,
    kappa: all > 0 ? kappa([0, 1, 2].map((i) => [0, 1, 2].map((j) => at(i, j)))) : undefined,
  };
}

/** An estimate as a result has it. */
export const flat = ({ value, interval }: Estimate): Interval => ({
  value,
  low: interval?.[0] ?? null,
  high: interval?.[1] ?? null,
});
