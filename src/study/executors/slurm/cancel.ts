import { groupBy } from '../../../core/lists.js';
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

/** A task that is to stop, and what was last seen of it. */
export interface Cancelled {
  readonly batch: Pick<Batch, 'name' | 'job' | 'cluster'>;
  readonly task: number;
  readonly how: 'save' | 'now';
  readonly state: 'queued' | 'running';
}

/**
 * What the cell's process gets, and not the script around it. SIGKILL would not be passed on: Slurm
 * takes it for the end of the whole job, and gives that half a minute.
 */
const SIGNALS = { save: 'USR2', now: 'ALRM' } as const;

/**
 * Takes tasks that wait out of the queue, and asks those that run to save and stop, or ends them at once. What the
 * commands say does not matter: whoever is not there any more has stopped. Only tasks themselves are named, since
 * `--state=PENDING` takes all that wait of an array.
 */
export async function cancelTasks(run: SlurmCommand, tasks: readonly Cancelled[]): Promise<void> {
  const groups = groupBy(tasks, ({ batch, how, state }) => [batch.cluster, batch.job, state, how].join(' '));
  for (const some of groups.values()) {
    const { batch, how, state } = some[0]!;
    if (batch.job === undefined) continue;
    const on = batch.cluster === undefined ? [] : ['-M', batch.cluster];
    const signal = state === 'running' ? [`--signal=${SIGNALS[how]}`] : [];
    await run('scancel', [...on, ...signal, `${batch.job}_[${ranges(some.map(({ task }) => task))}]`]);
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
