import { env } from 'node:process';
import { usageError } from '../core/errors.js';
import { readAttempts } from './attempts.js';
import { jobOf } from './cell-job.js';
import type { CellJob, JobState } from './executors/executor.js';
import { cancelLeft, lookAtLeft } from './executors/slurm/left.js';
import { type Study, studyPaths } from './study-record.js';

/** The executor whose jobs outlive the process that submitted them. */
const OUTLIVES = 'slurm';

/** Jobs that a scheduler was given and whose end nobody has taken in yet. */
async function openJobs({ folder, cells }: Study): Promise<CellJob[]> {
  const open: CellJob[] = [];
  for (const cell of cells) {
    const { open: begun } = await readAttempts(studyPaths(folder).attempts(cell.id));
    if (begun?.executor === OUTLIVES) open.push(jobOf(folder, cell, begun.attempt));
  }
  return open;
}

/**
 * What a scheduler says of jobs that an earlier process left, by index of the cell; undefined where there are none. One
 * that cannot be asked has them queued, as far as is known. Nothing is written.
 */
export async function leftJobs(
  study: Study,
  environment: NodeJS.ProcessEnv = env,
): Promise<ReadonlyMap<number, JobState> | undefined> {
  const open = await openJobs(study);
  return open.length === 0 ? undefined : lookAtLeft(study, open, environment);
}

/** Asks such jobs to save and stop, or ends them at once; returns how many there were. */
export async function stopLeftJobs(study: Study, now: boolean, environment: NodeJS.ProcessEnv = env): Promise<number> {
  const jobs = await openJobs(study);
  if (jobs.length === 0) return 0;
  const states = await lookAtLeft(study, jobs, environment);
  return cancelLeft(study, { jobs, states }, now ? 'now' : 'save', environment);
}

/** Refuses to run cells by another executor while a scheduler has jobs of the study. */
export async function refuseLeftJobs(study: Study, environment: NodeJS.ProcessEnv): Promise<void> {
  const { kind } = study.record.study.executor;
  if (kind === OUTLIVES) return;
  const left = await leftJobs(study, environment);
  const there = [...(left?.values() ?? [])].filter(isThere).length;
  if (there === 0) return;
  const { folder } = study;
  throw usageError(
    `${folder}: ${there} cells are jobs of Slurm that have not ended, and \`executor: ${kind}\` would not know of them`,
    {
      file: folder,
      option: 'executor',
      remedies: [
        { option: 'executor', change: 'set', value: OUTLIVES, note: 'to follow them' },
        { task: 'ablate stop', options: { folder }, note: 'to end them first' },
      ],
    },
  );
}

const isThere = (state: JobState | undefined): boolean => state !== undefined && state.state !== 'ended';
