import type { Study } from '../../study-record.js';
import type { CellJob, JobState } from '../executor.js';
import { askSlurm, taskOf } from './ask.js';
import { cancelTasks, markStop } from './cancel.js';
import { slurmCommand } from './commands.js';
import { endedOf, ownerOf } from './files.js';
import { placeOf } from './place.js';
import { meaningOf } from './states.js';
import { readSubmissions } from './submissions.js';

/** Milliseconds that somebody who only asks waits for Slurm. */
const LIMIT_MS = 20_000;

/** Where jobs are that an earlier process left, by index of the cell: by their files, otherwise as Slurm says. */
export async function lookAtLeft(
  study: Study,
  jobs: readonly CellJob[],
  environment: NodeJS.ProcessEnv,
): Promise<ReadonlyMap<number, JobState>> {
  const { folder, record } = study;
  const batches = [...(await readSubmissions(folder)).values()];
  const states = new Map<number, JobState>();
  const open: { readonly index: number; readonly place: NonNullable<ReturnType<typeof placeOf>> }[] = [];
  for (const job of jobs) {
    const { index } = job.cell;
    const place = placeOf(batches, job);
    const code = place && (await endedOf(folder, place.batch.batch, place.task));
    if (!place || code !== undefined) states.set(index, { ...NOTHING, code: code ?? null });
    else open.push({ index, place });
  }
  if (open.length === 0) return states;
  const asked = [...new Set(open.map(({ place }) => place.batch))];
  const run = slurmCommand({ environment, limitMs: LIMIT_MS });
  // Without Slurm's programs there is no answer either.
  const answer = await askSlurm({ run, batches: asked, created: record.created, accounting: false }).catch(
    () => undefined,
  );
  for (const { index, place } of open) {
    const { batch, task } = place;
    if (!answer?.answered.includes(batch)) {
      states.set(index, { state: 'queued', ...(batch.job !== undefined && { job: `${batch.job}_${task}` }) });
      continue;
    }
    const found = taskOf(answer.tasks, batch, task, await ownerOf(folder, batch.batch));
    const meaning = found && meaningOf(found.state);
    const there = meaning === 'queued' || meaning === 'running' || batch.job === undefined;
    if (!there) states.set(index, NOTHING);
    else
      states.set(index, {
        state: meaning === 'running' ? 'running' : 'queued',
        ...(found && { job: `${found.array}_${task}` }),
      });
  }
  return states;
}

const NOTHING = { state: 'ended', code: null, signal: null, lastLine: '' } as const;

/** Jobs that an earlier process left, and what {@link lookAtLeft} saw of them. */
export interface LeftJobs {
  readonly jobs: readonly CellJob[];
  readonly states: ReadonlyMap<number, JobState>;
}

/** Asks those of such jobs that have not ended to save and stop, or ends them at once; returns how many they are. */
export async function cancelLeft(
  { folder }: Study,
  { jobs, states }: LeftJobs,
  how: 'save' | 'now',
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const batches = [...(await readSubmissions(folder)).values()];
  const places = jobs.flatMap((job) => {
    const place = placeOf(batches, job);
    const state = states.get(job.cell.index)?.state;
    return place && (state === 'queued' || state === 'running') ? [{ ...place, state }] : [];
  });
  for (const { batch, task } of places) await markStop(folder, { batch: batch.batch, task });
  const tasks = [];
  for (const { batch, task, state } of places) {
    const owner = await ownerOf(folder, batch.batch);
    tasks.push({ batch: { ...batch, ...(owner !== undefined && { job: owner }) }, task, how, state });
  }
  await cancelTasks(slurmCommand({ environment, limitMs: LIMIT_MS }), tasks);
  return places.length;
}
