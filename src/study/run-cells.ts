import { setTimeout as sleep } from 'node:timers/promises';
import { PhasetuneError } from '../core/errors.js';
import type { Hooks } from '../workflow/hooks.js';
import { cellStates } from './cell-states.js';
import { CellWork } from './cell-work.js';
import type { StudyEvent } from './events.js';
import type { Executor } from './executors/executor.js';
import type { CellState } from './state.js';
import { dropStopRequest, readStopRequest } from './stop-request.js';
import type { Study } from './study-record.js';

/** Which cells are run, and by what. */
export interface RunCellsOptions {
  /** Of the cells [all]. */
  readonly indices?: readonly number[] | undefined;
  /** Closed by the caller. */
  readonly executor: Executor;
  /** Most cells at once [as many as the executor takes]. */
  readonly parallel?: number | undefined;
  /** Time between two looks at the jobs [250 ms]. */
  readonly pollMs?: number | undefined;
}

/** Why no more cells are begun: an interrupt, a request to stop by a file, or failures alike. */
type Stop = 'interrupt' | 'save' | 'now' | 'alike';

/**
 * Runs the cells that are not done, in their order, and returns the states of all cells in the end.
 * The caller holds the study's lock. A cell that was interrupted continues, and so does one that
 * was killed or lost, after a while; one that fails otherwise stays failed, and the others are run.
 * A cell that another process runs is waited for. Where so many in a row fail in the same way
 * (`stopAfterAlike`), it warns and returns. Throws code `interrupted` once all have saved, where
 * `signal` or `stopStudy` stopped it.
 */
export async function* runCells(
  study: Study,
  { indices, executor, parallel = executor.slots, pollMs = 250 }: RunCellsOptions,
  hooks: Hooks = {},
): AsyncGenerator<StudyEvent, readonly CellState[]> {
  await dropStopRequest(study.folder);
  const wanted = indices && new Set(indices);
  const cells = study.cells.filter(({ index }) => wanted?.has(index) ?? true);
  const work = new CellWork(study, cells, executor, Math.max(1, Math.min(parallel, executor.slots)));
  try {
    const stopped = yield* loop(work, study, pollMs, hooks);
    if (stopped) throw await interrupted(study);
  } finally {
    await work.close(pollMs);
  }
  return cellStates(study);
}

/** Runs until nothing is left, or until it is stopped; true for the latter. */
async function* loop(
  work: CellWork,
  study: Study,
  pollMs: number,
  { signal }: Hooks,
): AsyncGenerator<StudyEvent, boolean> {
  for (let stopping: Stop | undefined; ; ) {
    yield* work.collect();
    const stop = await stopAsked(study, work, signal);
    if (stop && stop !== stopping) {
      if (stop === 'alike') yield { type: 'warning', message: alikeMessage(study, work) };
      await work.stop(stop === 'now' ? 'now' : 'save');
    }
    stopping = stop ?? stopping;
    if (!stopping) yield* work.start();
    if (work.count('job') === 0 && (stopping || work.count('todo', 'elsewhere') === 0)) {
      if (stopping) await dropStopRequest(study.folder);
      return stopping !== undefined && stopping !== 'alike';
    }
    await sleep(pollMs, undefined, { signal: stopping ? undefined : signal }).catch(() => {});
  }
}

async function stopAsked(study: Study, work: CellWork, signal: AbortSignal | undefined): Promise<Stop | undefined> {
  const asked = await readStopRequest(study.folder);
  if (asked === 'now') return 'now';
  if (signal?.aborted) return 'interrupt';
  return asked ?? (work.alikeFailure() === undefined ? undefined : 'alike');
}

const alikeMessage = ({ record }: Study, work: CellWork): string =>
  `${record.study.failures.stopAfterAlike} cells in a row failed in the same way, so no more are started: ${work.alikeFailure()}`;

async function interrupted(study: Study): Promise<PhasetuneError> {
  const done = (await cellStates(study)).filter(({ state }) => state === 'done').length;
  return new PhasetuneError('interrupted', `stopped with ${done} of ${study.cells.length} cells done; all is saved`, {
    remedies: [{ advice: 'run the same task again to continue' }],
  });
}
