import type { StagingOptions } from '../curriculum/staging-options.js';

/** A staged set that cells train on: one hold-out, one cut. */
export interface StudySet {
  /** Its folder's name under `staged/`, such as `split-1-3-stages`; equal sets have equal names. */
  readonly name: string;
  /** The hold-out's name under `holdouts/`: `split-1`. Sets of the same rows and split have the same one. */
  readonly holdout: string;
  /** File of the rows, whose scores the hold-out is spread over. */
  readonly rows: string;
  /** File with the scores to cut by: `rows`, or other scores of the same rows. */
  readonly scored: string;
  /** From 1; seeds the draw of the hold-out. */
  readonly split: number;
  readonly stage: Partial<Pick<StagingOptions, 'stages' | 'by' | 'thresholds' | 'ties' | 'minShare'>>;
}

/** What all sets of a study have in common. */
export interface StudySetOptions {
  /** Below 1 a share of the rows, otherwise a number. */
  readonly holdout: number;
  readonly nearDuplicates?: StagingOptions['nearDuplicates'] | undefined;
  readonly unscored?: StagingOptions['unscored'] | undefined;
}
