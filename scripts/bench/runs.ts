import type { ContestName, FloatType } from './contests.js';
import { type Figures, median } from './measure.js';

/** A choice with its figures, a run each. */
export interface Runs {
  readonly name: string;
  /** Type of its products, where it was given one. */
  readonly type?: FloatType;
  /** Its command, without folders. */
  readonly command: string;
  readonly runs: readonly Figures[];
  /** Why it was not run, or not in all rounds. */
  readonly leftOut?: string;
}

/** Figures of both sides of a contest; the runs of one round have the same index. */
export interface Outcome {
  /** What was compared. */
  readonly what: string;
  readonly project: readonly Runs[];
  readonly peers: readonly Runs[];
}

/** Outcomes of the contests that were run. */
export type Outcomes = Partial<Record<ContestName, Outcome>>;

/** Not a number where a run did not report it: too few steps, for instance. */
export const figuresOf = ({ runs }: Runs, key: string): number[] =>
  runs.map((figures) => (typeof figures[key] === 'number' ? figures[key] : Number.NaN));

/** The middle of a choice's runs. */
export const middle = (runs: Runs, key: string): number => median(figuresOf(runs, key));

/** The choice with the largest median; undefined where none was run. */
export function bestOf(choices: readonly Runs[], key: string): Runs | undefined {
  const ran = choices.filter(({ runs }) => runs.length > 0);
  return ran.reduce<Runs | undefined>(
    (best, next) => (best && !(middle(next, key) > middle(best, key)) ? best : next),
    undefined,
  );
}
