import { writeFileAtomic } from '../../../io/atomic.js';
import { exists } from '../../../io/files.js';
import type { SlurmCommand } from './commands.js';
import { slurmPaths } from './paths.js';
import type { Batch } from './submissions.js';

/** Has a task end before its cell begins, and not be put back into the queue when its cell has saved. */
export async function markStop(folder: string, { batch, task }: { readonly batch: number; readonly task: number }) {
  const path = slurmPaths(folder).stopOf(batch, task);
  if (!exists(path)) await writeFileAtomic(path, '');
}

/** A task that is to stop. */
export interface Cancelled {
  readonly batch: Pick<Batch, 'name' | 'job' | 'cluster'>;
  readonly task: number;
  readonly how: 'save' | 'now';
}

/**
 * What the cell's process gets, and not the script around it. SIGKILL would not be passed on: Slurm takes it for the end
 * of the whole job, and gives that half a minute.
 */
const SIGNALS = { save: 'USR2', now: 'ALRM' } as const;

/**
 * Takes tasks that wait out of the queue, and asks those that run to save and stop, or ends them at once. What the
 * commands say does not matter: whoever is not there any more has stopped.
 */
export async function cancelTasks(run: SlurmCommand, tasks: readonly Cancelled[]): Promise<void> {
  const groups = new Map<string, Cancelled[]>();
  for (const task of tasks) {
    const { job, cluster = '' } = task.batch;
    if (job !== undefined)
      groups.set(`${cluster} ${job} ${task.how}`, [...(groups.get(`${cluster} ${job} ${task.how}`) ?? []), task]);
  }
  for (const some of groups.values()) {
    const { batch, how } = some[0]!;
    const on = batch.cluster === undefined ? [] : ['-M', batch.cluster];
    const ids = `${batch.job}_[${ranges(some.map(({ task }) => task))}]`;
    await run('scancel', [...on, '--state=PENDING', ids]);
    await run('scancel', [...on, '--state=RUNNING', `--signal=${SIGNALS[how]}`, ids]);
  }
}

/** `0-2,5`: numbers as Slurm lists them. */
export function ranges(numbers: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const n of [...numbers].sort((x, y) => x - y)) {
    const last = parts.at(-1);
    if (last && n <= last[1] + 1) last[1] = n;
    else parts.push([n, n]);
  }
  return parts.map(([first, end]) => (first === end ? String(first) : `${first}-${end}`)).join(',');
}
