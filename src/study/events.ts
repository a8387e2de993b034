import type { EvaluateEvent } from '../workflow/evaluate.js';
import type { RenderedJob } from './render/render.js';
import type { CellState, Failure } from './state.js';

/** States of all cells, counted. */
export type StateCounts = Readonly<Record<CellState['state'], number>>;

/** What happens while a study runs. */
export type StudyEvent =
  | { readonly type: 'warning'; readonly message: string }
  /** Sets are staged, cells planned: `done` of `of`. */
  | { readonly type: 'prepare'; readonly doing: 'stage' | 'plan'; readonly done: number; readonly of: number }
  /** All cells are written; what is left to do. */
  | {
      readonly type: 'study';
      readonly folder: string;
      readonly cells: number;
      readonly blocks: number;
      readonly states: StateCounts;
    }
  /** The manifest of a Job is written; nothing is started. */
  | ({ readonly type: 'rendered' } & RenderedJob)
  | {
      readonly type: 'cell-begin';
      readonly index: number;
      readonly id: string;
      readonly attempt: number;
      readonly log: string;
      /** An earlier process began it; its job is followed from now on. */
      readonly adopted?: boolean | undefined;
      /** It is in a scheduler's queue first, see `cell-running`. */
      readonly queued?: boolean | undefined;
    }
  /** A cell that was seen in a scheduler's queue runs, as the job of this name. */
  | { readonly type: 'cell-running'; readonly index: number; readonly id: string; readonly job?: string | undefined }
  /** Jobs that were handed over continue without this process; what the scheduler calls them. */
  | { readonly type: 'detached'; readonly jobs: readonly string[] }
  /** A cell was already being run, by another process, and is waited for. */
  | {
      readonly type: 'cell-elsewhere';
      readonly index: number;
      readonly id: string;
      readonly host: string;
      readonly pid: number;
    }
  | {
      readonly type: 'cell-end';
      readonly index: number;
      readonly id: string;
      readonly outcome: 'done' | 'interrupted' | 'failed';
      readonly failure?: Failure | undefined;
      readonly reason?: string | undefined;
      /** Seconds until it is tried again; absent where it is not. */
      readonly retryIn?: number | undefined;
      readonly seconds: number;
      /** Settled cells, of how many, and seconds left by the mean of those that were run, where that is known. */
      readonly settled: number;
      readonly of: number;
      readonly secondsLeft?: number | undefined;
    }
  /** Cells are all settled; win rates are measured. */
  | { readonly type: 'evaluate'; readonly name: string }
  /** What happens in that evaluation. */
  | { readonly type: 'evaluation'; readonly name: string; readonly event: EvaluateEvent }
  /** Results are written. */
  | { readonly type: 'results'; readonly path: string };
