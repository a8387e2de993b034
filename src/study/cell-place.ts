import type { Cell } from './cell.js';
import type { StudyEvent } from './events.js';
import type { JobEnd, JobState } from './executors/executor.js';

/** An attempt at a cell. */
export interface Begun {
  readonly attempt: number;
  /** When it was handed over, and once it has left a queue, when it did. */
  began: number;
}

/** Where a cell is in the course of work. Times are those of `performance.now()`. */
export type Place =
  | { readonly at: 'todo'; readonly from: number }
  | JobPlace
  | { readonly at: 'elsewhere' }
  | { readonly at: 'done'; readonly seconds: number | undefined }
  | { readonly at: 'failed' };

/** A cell that is handed to an executor. */
export interface JobPlace extends Begun {
  readonly at: 'job';
  asked: boolean;
  /** Whether it was seen in a queue, and then seen to run. */
  seen?: 'queued' | 'running';
  unknownSince?: number;
  job?: string | undefined;
  end?: JobEnd;
}

/** Takes in what an executor says of a job that has not ended; returns what happened. */
export function noteJob(
  { index, id }: Cell,
  place: JobPlace,
  { state, job }: Exclude<JobState, JobEnd>,
): StudyEvent | undefined {
  delete place.unknownSince;
  if (job !== undefined) place.job = job;
  if (state === 'queued') place.seen ??= 'queued';
  if (state !== 'running' || place.seen !== 'queued') return undefined;
  place.seen = 'running';
  place.began = performance.now();
  return { type: 'cell-running', index, id, ...(place.job !== undefined && { job: place.job }) };
}
