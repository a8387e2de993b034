import type { Logger } from '../../../telemetry/logger.js';
import type { Executor } from '../executor.js';
import type { BatchOptions } from './batch.js';
import { slurmCommand } from './commands.js';
import { SlurmJobs } from './jobs.js';
import { readSettings } from './settings.js';
import { readSubmissions } from './submissions.js';
import { SLURM_TIMING, type SlurmTiming } from './timing.js';

/** What an executor of Slurm is opened with. */
export interface OpenSlurm extends BatchOptions {
  readonly logger?: Logger | undefined;
  /** How Slurm is asked [as {@link SLURM_TIMING} says]. */
  readonly timing?: SlurmTiming;
}

/**
 * Runs cells as jobs of Slurm: an array for those that are handed over together. Jobs go on when this process ends, and
 * a later one finds them by their names. Slurm's answers only say where a job is; a command that fails or does not
 * answer says nothing.
 */
export async function openSlurm(given: OpenSlurm): Promise<Executor> {
  const { environment, timing = SLURM_TIMING } = given;
  const run = slurmCommand({ environment, limitMs: timing.limitMs });
  const settings = await readSettings(run);
  const jobs = new SlurmJobs({ ...given, timing, run, settings }, await readSubmissions(given.study.folder));
  return {
    kind: 'slurm',
    slots: given.study.cells.length,
    batchSize: settings.maxArraySize,
    submit: (some) => jobs.submit(some),
    adopt: (some) => jobs.adopt(some),
    poll: () => jobs.poll(),
    cancel: (indices, how) => jobs.cancel(indices, how),
    async close() {},
  };
}
