import type { Study } from '../study-record.js';
import type { Measurements } from './measure.js';
import type { Results } from './results.js';
import type { Unit } from './units.js';

/** What all sentences of a study's results are about. */
export interface About {
  /** In words: `held-out loss`. */
  readonly metric: string;
  readonly metricUnit: Results['metric']['unit'];
  readonly better: Results['metric']['better'];
  readonly margin: number | null;
  readonly alpha: number;
  readonly unit: Unit;
  /** Comparisons of the family of Holm's adjustment. */
  readonly family: number;
  /** Nothing is left to run, or the study was finished. */
  readonly settled: boolean;
  /** What withholds all verdicts; empty where they may be given. */
  readonly problems: readonly string[];
}

/** All that the parts of the results are made from. */
export interface Parts {
  readonly study: Study;
  readonly measured: Measurements;
  /** The metric by cell's id. */
  readonly values: ReadonlyMap<string, number>;
  readonly about: About;
}
