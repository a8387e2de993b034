import type { Cut } from './cut.js';
import type { Duplicates } from './duplicates.js';
import type { Histogram } from './histogram.js';
import type { StagingPlan } from './staging-options.js';

/** One stage, for people: what is in it and what is held out of it. */
export interface StageContents {
  /** From 1, the easiest. */
  readonly index: number;
  /** Rows to train on, and held-out ones. */
  readonly rows: number;
  readonly heldOut: number;
  /** Tokens of the rows to train on: all, of the one in the middle, and what nine of ten do not go over. */
  readonly tokens: number;
  readonly lengths: { readonly median: number; readonly p90: number };
  /** Over trained and held-out rows. */
  readonly scores: { readonly min: number; readonly max: number; readonly mean: number };
}

/** How much a cut by difficulty is a cut by length. */
export interface Confounding {
  /** Spearman's correlation of score and tokens; left out where one of them does not vary. */
  readonly spearman?: number | undefined;
  /** Share of the variance of log tokens that lies between the stages. */
  readonly etaSquared: number;
}

/** Where every row of a set goes, and what there is to know about it. */
export interface Staging {
  readonly plan: StagingPlan;
  /** Stage of each row, from 0. */
  readonly stageOf: Uint8Array;
  /** 1 for the rows held out. */
  readonly held: Uint8Array;
  readonly stages: readonly StageContents[];
  readonly cuts: readonly Cut[];
  readonly duplicates: Omit<Duplicates, 'clusterOf'>;
  readonly length: Confounding;
  readonly histogram: Histogram;
}
