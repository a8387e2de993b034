import process from 'node:process';
import type { SlurmCommand } from './commands.js';
import { ACCOUNTING_FORMAT, QUEUE_FORMAT, readAccounting, readQueue, type SlurmTask } from './states.js';
import type { Batch } from './submissions.js';

/** Names in one call: a command line has an end. */
const NAMES = 50;

/** Accounts are asked for from so long before a study was begun, since they go by the time zone of the cluster. */
const DAY_MS = 86_400_000;

/** Whom to ask, and about what. */
export interface Asked {
  readonly run: SlurmCommand;
  readonly batches: readonly Batch[];
  /** When the study was begun (ISO 8601). */
  readonly created: string;
  /** Ask `sacct` about tasks that `squeue` does not know any more. */
  readonly accounting: boolean;
}

/** What Slurm answered. */
export interface Answer {
  /** Batches that there is an answer about; nothing is known of the others. */
  readonly answered: readonly Batch[];
  readonly tasks: readonly SlurmTask[];
  /** Slurm keeps no accounts. */
  readonly noAccounts: boolean;
}

/** Asks about all tasks of batches, by the names of the jobs: one call of `squeue` for 50 batches of a cluster. */
export async function askSlurm({ run, batches, created, accounting }: Asked): Promise<Answer> {
  const answered: Batch[] = [];
  const tasks: SlurmTask[] = [];
  let accounts = accounting;
  for (const some of groups(batches)) {
    const names = some.map(({ name }) => name).join(',');
    const on = some[0]!.cluster === undefined ? [] : ['-M', some[0]!.cluster];
    const states = ['-h', '-r', '-t', 'all', '-u', String(process.getuid!())];
    const queue = await run('squeue', [...on, ...states, '--name', names, '-o', QUEUE_FORMAT]);
    if (queue.status !== 0) continue;
    const found = readQueue(queue.out);
    const complete = some.every(({ name, cells }) => found.filter((task) => task.name === name).length >= cells.length);
    if (accounts && !complete) {
      const since = new Date(Date.parse(created) - DAY_MS).toISOString().slice(0, 19);
      const kept = ['-n', '-P', '-D', '-X', '--starttime', since];
      const book = await run('sacct', [...on, ...kept, '--name', names, '-o', ACCOUNTING_FORMAT]);
      if (book.status !== 0 && /storage is disabled/.test(book.err)) accounts = false;
      else if (book.status !== 0) continue;
      else tasks.push(...readAccounting(book.out).filter((task) => !found.some((each) => isSame(each, task))));
    }
    answered.push(...some);
    tasks.push(...found);
  }
  return { answered, tasks, noAccounts: accounting && !accounts };
}

const isSame = (x: SlurmTask, y: SlurmTask): boolean => x.array === y.array && x.task === y.task;

function groups(batches: readonly Batch[]): Batch[][] {
  const clusters = new Map<string, Batch[]>();
  for (const batch of batches) {
    const { cluster = '' } = batch;
    clusters.set(cluster, [...(clusters.get(cluster) ?? []), batch]);
  }
  return [...clusters.values()].flatMap((all) =>
    Array.from({ length: Math.ceil(all.length / NAMES) }, (_, i) => all.slice(i * NAMES, (i + 1) * NAMES)),
  );
}

/**
 * What Slurm knows of one task of a batch. Where the batch was submitted twice, the array that began first counts, and
 * until then any that is still there.
 */
export function taskOf(
  tasks: readonly SlurmTask[],
  { name }: Pick<Batch, 'name'>,
  task: number,
  owner: string | undefined,
): SlurmTask | undefined {
  const ofBatch = tasks.filter((each) => each.name === name && (owner === undefined || each.array === owner));
  const own = ofBatch.filter((each) => each.task === task);
  if (own.length === 0) return ofBatch.find((each) => each.task === undefined);
  return own.find(({ state }) => state === 'PENDING' || state === 'RUNNING') ?? own[0];
}

/** Ids of the arrays of a batch, the oldest first. */
export const arraysOf = (tasks: readonly SlurmTask[], { name }: Pick<Batch, 'name'>): string[] =>
  [...new Set(tasks.filter((task) => task.name === name).map(({ array }) => array))].sort(
    (x, y) => Number(x) - Number(y),
  );
