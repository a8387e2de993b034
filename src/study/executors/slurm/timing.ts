/** How Slurm is asked. Times are in milliseconds. */
export interface SlurmTiming {
  /** A command that has not answered after so long is killed [60 s]. */
  readonly limitMs: number;
  /** Between two questions about the states of jobs [by the cluster's settings, at most 60 s]. */
  readonly askMs?: number | undefined;
  /** The same while something is not sure, or until jobs that were asked to stop have [5 s]. */
  readonly soonMs: number;
  /** Between two looks for jobs that have written how they ended [1 s]. */
  readonly lookMs: number;
  /** A job that is not there for so long is not known any more [60 s]. */
  readonly lostMs: number;
}

/** See {@link SlurmTiming}. */
export const SLURM_TIMING: SlurmTiming = { limitMs: 60_000, soonMs: 5_000, lookMs: 1_000, lostMs: 60_000 };
