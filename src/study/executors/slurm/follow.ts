import type { JobState } from '../executor.js';
import { meaningOf, type SlurmTask } from './states.js';

/** What is known of a task so far. Times are in milliseconds of a clock that only runs forward. */
export interface Followed {
  readonly state: Exclude<JobState, { state: 'ended' }> | EndedBySlurm;
  /** Since when every answer said that there is no such task. */
  readonly absentSince?: number | undefined;
  /** Since when every answer said that it has ended. */
  readonly endedSince?: number | undefined;
}

/** The end of a task that has not said itself how it ended. */
export interface EndedBySlurm {
  readonly state: 'ended';
  /** The word of Slurm; undefined where it does not know the task any more. */
  readonly word: string | undefined;
}

/** How long Slurm must say the same. */
export interface Patience {
  /** That a task has ended badly, before this is believed: it may be requeued. */
  readonly endMs: number;
  /** That a task is not there, or has completed, although it has not said so itself. */
  readonly lostMs: number;
}

/** When an answer came, and about what. */
export interface Situation {
  readonly now: number;
  /** What Slurm calls the task. */
  readonly job: string | undefined;
  /** It was asked to stop. */
  readonly asked: boolean;
  readonly patience: Patience;
}

/**
 * What an answer of Slurm makes of what was known of a task; `found` is undefined where Slurm does not know it. A task
 * that was asked to stop does nothing any more when it starts again, so its end is believed at once.
 */
export function follow(
  { state, absentSince, endedSince }: Followed,
  found: Pick<SlurmTask, 'state'> | undefined,
  { now, job, asked, patience }: Situation,
): Followed {
  if (!found) {
    if (asked) return { state: { state: 'ended', word: undefined } };
    const since = absentSince ?? now;
    return { state: now - since >= patience.lostMs ? { state: 'unknown' } : state, absentSince: since };
  }
  const meaning = meaningOf(found.state);
  if (meaning === 'queued' || meaning === 'running') return { state: { state: meaning, job } };
  const ended: EndedBySlurm = { state: 'ended', word: found.state };
  if (asked) return { state: ended };
  const since = endedSince ?? now;
  const waited = now - since;
  if (meaning === 'completed')
    return {
      state: waited >= patience.lostMs ? { state: 'unknown', job } : { state: 'running', job },
      endedSince: since,
    };
  const sure = endedSince !== undefined && waited >= patience.endMs;
  return { state: sure ? ended : { state: 'running', job }, endedSince: since };
}
