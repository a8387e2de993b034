import { usageError } from '../core/errors.js';
import { liveHolder } from '../io/lock-file.js';
import { appendAttempt } from './attempts.js';
import { blockOf, type Cell } from './cell.js';
import { cellStates } from './cell-states.js';
import { secondsOfRun } from './ended-cell.js';
import type { StateCounts } from './events.js';
import { leftJobs, stopLeftJobs } from './left-jobs.js';
import type { CellState } from './state.js';
import { requestStop } from './stop-request.js';
import { readStudy, type StudyRecord, studyPaths } from './study-record.js';

/** How far a study is. */
export interface StudyStatus {
  readonly folder: string;
  readonly record: StudyRecord;
  readonly cells: readonly { readonly cell: Cell; readonly state: CellState }[];
  readonly counts: StateCounts;
  /** Blocks of which all cells are done, and all blocks. */
  readonly blocks: { readonly planned: number; readonly complete: number };
  /** The process that runs it; undefined for none. */
  readonly coordinator?: { readonly pid: number; readonly host: string; readonly since: string } | undefined;
  /** Seconds that the runs of done cells took, all together. */
  readonly seconds: number;
  /** Seconds that the others take one after another: by the mean of those done, else by the plan; null if unknown. */
  readonly secondsLeft: number | null;
}

/** Cells by state. */
export function countStates(states: readonly CellState[]): StateCounts {
  const counts = { done: 0, running: 0, queued: 0, waiting: 0, interrupted: 0, lost: 0, failed: 0 };
  for (const { state } of states) counts[state]++;
  return counts;
}

/**
 * How far a study is, from its files alone, which are only read: while it runs, and from another host too. Where Slurm
 * has jobs of it and no process follows them, Slurm is asked where they are.
 *
 * @example
 * const { counts, blocks, secondsLeft } = await studyStatus('studies/first');
 * console.log(counts.done, blocks.complete, secondsLeft);
 */
export async function studyStatus(folder: string): Promise<StudyStatus> {
  const study = await readStudy(folder);
  const holder = await liveHolder(folder);
  const states = await cellStates(study, holder ? undefined : await leftJobs(study));
  const cells = study.cells.map((cell, i) => ({ cell, state: states[i]! }));
  const blocks = new Set(study.cells.map(blockOf));
  const unfinished = new Set(cells.filter(({ state }) => state.state !== 'done').map(({ cell }) => blockOf(cell)));
  const times: number[] = [];
  for (const { cell, state } of cells)
    if (state.state === 'done') times.push((await secondsOfRun(studyPaths(folder).run(cell.id))) ?? 0);
  const seconds = times.reduce((sum, time) => sum + time, 0);
  return {
    folder,
    record: study.record,
    cells,
    counts: countStates(states),
    blocks: { planned: blocks.size, complete: blocks.size - unfinished.size },
    ...(holder && { coordinator: { pid: holder.pid, host: holder.host, since: holder.since } }),
    seconds,
    secondsLeft: secondsLeft(cells, times.length > 0 ? seconds / times.length : undefined),
  };
}

function secondsLeft(cells: StudyStatus['cells'], mean: number | undefined): number | null {
  const left = cells.filter(({ state }) => state.state !== 'done' && state.state !== 'failed');
  let sum = 0;
  for (const { cell } of left) {
    const seconds = mean ?? cell.forecast.seconds;
    if (seconds === null) return null;
    sum += seconds;
  }
  return sum;
}

/** What was asked to stop: the process that runs a study, or jobs of Slurm that no process follows. */
export type Stopping = NonNullable<StudyStatus['coordinator']> | { readonly jobs: number };

/**
 * Asks the process that runs a study to stop: cells save first, or end at once (`now`), which loses what they did since
 * their last checkpoint. Where none does and Slurm has jobs of the study, these are asked. Returns whom it asked, or
 * undefined where nothing runs.
 *
 * @example
 * const asked = await stopStudy('studies/first');
 * if (!asked) console.log('nothing runs');
 * else console.log('pid' in asked ? `process ${asked.pid} stops` : `${asked.jobs} jobs stop`);
 */
export async function stopStudy(
  folder: string,
  { now = false }: { readonly now?: boolean } = {},
): Promise<Stopping | undefined> {
  const study = await readStudy(folder);
  const holder = await liveHolder(folder);
  if (!holder) {
    const jobs = await stopLeftJobs(study, now);
    return jobs > 0 ? { jobs } : undefined;
  }
  await requestStop(folder, now);
  const { pid, host, since } = holder;
  return { pid, host, since };
}

/**
 * Has failed cells tried again, all or those named by id or index; the process that runs the study does so, or the next
 * one. Throws a usage error for a cell that is not there, that runs, or that is done. Returns the cells' ids.
 *
 * @example
 * console.log(await retryCells('studies/first')); // the cells that had failed
 */
export async function retryCells(folder: string, names?: readonly string[]): Promise<string[]> {
  const study = await readStudy(folder);
  const states = await cellStates(study);
  const wanted = names ?? study.cells.filter((_, i) => states[i]!.state === 'failed').map(({ id }) => id);
  const cells = wanted.map((name) => {
    const i = study.cells.findIndex(({ id, index }) => id === name || String(index) === name);
    if (i < 0) throw usageError(`${folder}: there is no cell ${name}`, { file: folder, name });
    const { state } = states[i]!;
    if (state === 'done' || state === 'running' || state === 'queued')
      throw usageError(`${study.cells[i]!.id} is ${state}, so there is nothing to try again`, { file: folder, name });
    return study.cells[i]!;
  });
  for (const { id } of cells)
    await appendAttempt(studyPaths(folder).attempts(id), { event: 'retry', time: new Date().toISOString() });
  return cells.map(({ id }) => id);
}
