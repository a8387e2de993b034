import { hostname } from 'node:os';
import { join } from 'node:path';
import { PhasetuneError } from '../core/errors.js';
import { exists, hashFile } from '../io/files.js';
import { type FolderHolder, folderHolder, liveHolder } from '../io/lock-file.js';
import { type RunFile, readRunFile } from '../train/run-file.js';
import { finalFailure, readAttempts } from './attempts.js';
import type { Cell } from './cell.js';
import type { JobState } from './executors/executor.js';
import type { CellState, Failure } from './state.js';
import { type Study, studyPaths } from './study-record.js';

/** What an executor knows of its jobs, by index of the cell. */
export type KnownJobs = ReadonlyMap<number, JobState>;

/** Who runs the study at the moment. */
interface Around {
  /** Its jobs; undefined where that is another process. */
  readonly known?: KnownJobs | undefined;
  /** Whether anybody does. */
  readonly coordinated: boolean;
}

/**
 * The state of every cell, in their order, worked out from files and locks, which are only read. Whoever has an
 * executor gives what it knows of its jobs; otherwise a cell counts as queued that the process which runs the study has
 * begun, until its run takes its folder.
 *
 * @example
 * const study = await readStudy('studies/first');
 * for (const [i, { state }] of (await cellStates(study)).entries()) console.log(study.cells[i]!.id, state);
 */
export async function cellStates(study: Study, known?: KnownJobs): Promise<CellState[]> {
  const coordinated = known !== undefined || (await liveHolder(study.folder)) !== undefined;
  const states: CellState[] = [];
  for (const cell of study.cells) states.push(await cellState(study, cell, { known, coordinated }));
  return states;
}

/** As {@link cellStates}, of one cell. */
export async function cellState({ folder, record }: Study, cell: Cell, around: Around): Promise<CellState> {
  const paths = studyPaths(folder);
  const holder = await folderHolder(paths.run(cell.id));
  if (holder && holder.standing !== 'gone') return running(holder);
  const attempts = await readAttempts(paths.attempts(cell.id));
  const outcome = await outcomeOfRun(cell, paths.run(cell.id));
  if (outcome === 'done') return { state: 'done' };
  if (typeof outcome === 'object') return { state: 'failed', ...outcome, attempts: attempts.count };
  const job = around.known?.get(cell.index)?.state;
  const begun = around.known ? job === 'queued' || job === 'running' : attempts.open && around.coordinated;
  if (begun) return { state: 'queued' };
  const failed = finalFailure(attempts, record.study.failures.retries);
  if (failed)
    return { state: 'failed', failure: failed.failure, reason: failed.reason ?? '', attempts: attempts.count };
  // Where its process can be looked at, it is known to be dead.
  if (holder && holder.host !== hostname()) return { state: 'lost' };
  return { state: outcome === 'begun' || attempts.count > 0 ? 'interrupted' : 'waiting' };
}

const running = ({ host, pid, since }: FolderHolder): CellState => ({ state: 'running', host, pid, since });

/** Why a run cannot count, and will not however often it is continued. */
interface Problem {
  readonly failure: Failure;
  readonly reason: string;
}

/** What the files of a cell's run say. */
export async function outcomeOfRun(cell: Cell, folder: string): Promise<'none' | 'begun' | 'done' | Problem> {
  if (!exists(join(folder, 'run.json'))) return 'none';
  try {
    const run = await readRunFile(folder);
    return run.status === 'done' ? ((await problemOf(cell, folder, run)) ?? 'done') : 'begun';
  } catch (error) {
    if (!(error instanceof PhasetuneError)) throw error;
    return { failure: 'data', reason: error.problem };
  }
}

/** What is wrong with a run that is done. */
export async function problemOf({ planned }: Cell, folder: string, run: RunFile): Promise<Problem | undefined> {
  const skipped = run.stages.reduce((n, { skipped = [] }) => n + skipped.length, 0);
  if (skipped > 0)
    return { failure: 'loss spike', reason: `${skipped} steps were skipped, so it trained on less than was planned` };
  const trained = run.stages.reduce((n, { trainedTokens }) => n + trainedTokens, 0);
  if (trained !== planned.trainedTokens)
    return { failure: 'data', reason: `it trained on ${trained} tokens; planned were ${planned.trainedTokens}` };
  if (run.stages.some(({ planned: rows, consumed }) => consumed?.sha256 !== rows.sha256))
    return { failure: 'data', reason: 'the rows that it consumed are not those that were planned' };
  const adapter = run.adapter && join(folder, run.adapter.path, 'adapter_model.safetensors');
  if (adapter && exists(adapter) && (await hashFile(adapter)) === run.adapter?.sha256) return undefined;
  return { failure: 'data', reason: `${adapter ?? folder}: the adapter is missing or was changed` };
}
