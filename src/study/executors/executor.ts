import type { Cell } from '../cell.js';

/** A cell that is handed to an executor. */
export interface CellJob {
  /** The study's folder. */
  readonly folder: string;
  readonly cell: Cell;
  /** From 1. */
  readonly attempt: number;
  /** File that takes what it prints. */
  readonly log: string;
}

/** How a job ended. */
export interface JobEnd {
  readonly state: 'ended';
  /** Exit status; null where a signal ended it or nobody knows. */
  readonly code: number | null;
  readonly signal: string | null;
  /** The last error that it printed, otherwise its last line; empty where that is unknown. */
  readonly lastLine: string;
  /** The system ended it for lack of memory; absent where the executor cannot know. */
  readonly outOfMemory?: boolean | undefined;
  /** What ended it from outside, where a scheduler says so, and the failure that this is. */
  readonly cause?: { readonly failure: 'killed' | 'lost' | 'failed'; readonly reason: string } | undefined;
  /** It was asked to stop, by this process or by another one before it. */
  readonly asked?: boolean | undefined;
}

/** What an executor knows of a job. `unknown` is never success. */
export type JobState =
  | {
      readonly state: 'queued' | 'running' | 'unknown';
      /** What a scheduler calls it; absent until it has confirmed that it has the job. */
      readonly job?: string | undefined;
    }
  | JobEnd;

/**
 * Runs cells somewhere. Every executor passes the same contract suite. It knows nothing about what a cell is: the truth
 * about a cell is in its files.
 */
export interface Executor {
  readonly kind: string;
  /** Most jobs that may be submitted and not ended. */
  readonly slots: number;
  /** Most jobs that are handed over together. */
  readonly batchSize: number;
  /**
   * Hands jobs over, all of them or none. Throws what the user must fix: a command that is not there. A job is never
   * started twice.
   */
  submit(jobs: readonly CellJob[]): Promise<void>;
  /** By index of the cell, every job that was submitted; the end of a job is reported once. */
  poll(): Promise<ReadonlyMap<number, JobState>>;
  /** Asks jobs to save and stop, or ends them at once. */
  cancel(indices: readonly number[], how: 'save' | 'now'): Promise<void>;
  /**
   * Takes over jobs that an earlier process submitted, and returns the indices of those that it finds. Absent where
   * jobs end with the process that submitted them.
   */
  adopt?(jobs: readonly CellJob[]): Promise<ReadonlySet<number>>;
  /** Ends what is left, unless jobs outlive this process, and frees what it holds. */
  close(): Promise<void>;
}
