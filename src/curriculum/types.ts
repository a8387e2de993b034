import type { InstructionRecord } from '../data/record.js';

/** One stage of a staged set: rows of one band of difficulty. */
export interface Stage<Row = InstructionRecord> {
  /** From 1, the easiest. */
  readonly index: number;
  readonly rows: readonly Row[];
}

/**
 * A staged folder read back: the stages in order of increasing difficulty and the rows held out of
 * training, each with its `stage`.
 */
export interface StagedSet {
  readonly stages: readonly Stage[];
  readonly holdout: readonly InstructionRecord[];
  /** Hash of the manifest file. */
  readonly hash: string;
}

/**
 * The way through the difficulty: increasing, all at once, stages of random rows and the same sizes, decreasing, the
 * stages of `phased` in a random order.
 */
export type Order = 'phased' | 'one-off' | 'random' | 'reversed' | 'shuffled';

/** What one training stage visits, in this order, before epochs repeat it. */
export interface PlannedStage<Row = InstructionRecord> {
  readonly index: number;
  /** For people: "stage 1 of 3: score under 3.5". */
  readonly label: string;
  /**
   * In the order of the first epoch, replayed rows of earlier stages among them. A row that is
   * replayed comes again.
   */
  readonly rows: readonly Row[];
  /** How many of the rows are replayed from earlier stages. */
  readonly replayed: number;
}
