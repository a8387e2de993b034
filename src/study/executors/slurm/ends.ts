import { exists, listFolder } from '../../../io/files.js';
import { readTail } from '../../../io/log-file.js';
import type { JobEnd } from '../executor.js';
import { lastSaidIn } from '../last-said.js';
import { endedOf, isStopped } from './files.js';
import type { EndedBySlurm } from './follow.js';
import { slurmPaths } from './paths.js';
import { meaningOf } from './states.js';

/** A task whose end is looked for. */
interface Looked {
  readonly batch: number;
  readonly task: number;
  readonly log: string;
}

/** Status of a process that SIGKILL ended. */
const KILLED = 137;

const TAIL_BYTES = 1 << 12;

/** How tasks ended that have written that, by index of the cell. */
export async function readEnds(
  folder: string,
  tasks: ReadonlyMap<number, Looked>,
): Promise<ReadonlyMap<number, JobEnd>> {
  const ends = new Map<number, JobEnd>();
  const { ended } = slurmPaths(folder);
  if (!exists(ended)) return ends;
  const names = new Set(await listFolder(ended));
  for (const [index, { batch, task, log }] of tasks) {
    const code = names.has(`${batch}-${task}`) ? await endedOf(folder, batch, task) : undefined;
    if (code === undefined) continue;
    const asked = isStopped(folder, batch, task);
    ends.set(index, { state: 'ended', code, signal: null, ...(await saidIn(log, code)), asked });
  }
  return ends;
}

/** The last line of a log, and whether Slurm says in it that it ended the cell for lack of memory. */
async function saidIn(log: string, code: number): Promise<Pick<JobEnd, 'lastLine' | 'outOfMemory'>> {
  const killed = code === KILLED && /oom.kill|Out Of Memory/.test(await readTail(log, TAIL_BYTES));
  return { lastLine: await lastSaidIn(log), ...(killed && { outOfMemory: true }) };
}

/** The end of a task as Slurm tells it; without a word it is gone, and was asked to stop. */
export async function endBySlurm(
  { batch, task, log }: Looked,
  { word }: EndedBySlurm,
  asked: boolean,
): Promise<JobEnd> {
  const meaning = word === undefined ? 'completed' : meaningOf(word);
  const end = { ...nothingKnown(asked), lastLine: await lastSaidIn(log) };
  if (typeof meaning === 'string') return end;
  const { failure, outOfMemory = false } = meaning;
  const where = word === 'FAILED' ? `, see ${slurmPaths('').output(batch, task)}` : '';
  return { ...end, outOfMemory, cause: { failure, reason: `Slurm: ${word}${where}` } };
}

/** The end of a task that Slurm never took. */
export const endRefused = (reason: string, asked: boolean): JobEnd => ({
  ...nothingKnown(asked),
  cause: { failure: 'failed', reason: `Slurm did not take the job: ${reason}` },
});

const nothingKnown = (asked: boolean): JobEnd => ({ state: 'ended', code: null, signal: null, lastLine: '', asked });
