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
  /** Return once all cells are handed over, and leave them to the executor, whose jobs outlive this process [false]. */
  readonly detach?: boolean | undefined;
}

/**
 * Why no more cells are begun: an interrupt, the end of this process alone, a request to stop by a file, or failures
 * alike.
 */
type Stop = 'interrupt' | 'leave' | 'save' | 'now' | 'alike';

/** Signals that are for this process, and not for jobs that outlive it. */
const LEAVE = new Set(['SIGTERM', 'SIGHUP']);

/**
 * Runs the cells that are not done, in their order, and returns the states of all cells in the end.
 * The caller holds the study's lock. A cell that was interrupted continues, and so does one that
 * was killed or lost, after a while; one that fails otherwise stays failed, and the others are run.
 * A cell that another process runs is waited for. Where so many in a row fail in the same way
 * (`stopAfterAlike`), it warns and returns. Throws code `interrupted` once all have saved, where
 * `signal` or `stopStudy` stopped it. Jobs that outlive this process are taken over from an earlier
 * one, and left to the next one with `detach`, after an error, and where SIGTERM or SIGHUP ends
 * this one.
 */
export async function* runCells(
  study: Study,
  { indices, executor, parallel = executor.slots, pollMs = 250, detach = false }: RunCellsOptions,
  hooks: Hooks = {},
): AsyncGenerator<StudyEvent, readonly CellState[]> {
  await dropStopRequest(study.folder);
  const wanted = indices && new Set(indices);
  const cells = study.cells.filter(({ index }) => wanted?.has(index) ?? true);
  const work = new CellWork(study, cells, executor, Math.max(1, Math.min(parallel, executor.slots)));
  try {
    const stopped = yield* loop(work, { study, executor, pollMs, detach }, hooks);
    if (stopped) throw await interrupted(study, stopped === 'leave' ? work.count('job') : 0);
  } finally {
    await work.close(pollMs);
  }
  return cellStates(study);
}

/** What {@link loop} works with. */
interface Loop extends Required<Pick<RunCellsOptions, 'executor' | 'pollMs' | 'detach'>> {
  readonly study: Study;
}

/** Runs until nothing is left, all is left to the executor, or it is stopped; what stopped it, other than failures. */
async function* loop(
  work: CellWork,
  { study, executor, pollMs, detach }: Loop,
  { signal }: Hooks,
): AsyncGenerator<StudyEvent, Stop | undefined> {
  const outlives = executor.adopt !== undefined;
  yield* work.adopt();
  for (let stopping: Stop | undefined; ; ) {
    yield* work.collect();
    const stop = await stopAsked(study, work, { signal, outlives });
    if (stop === 'leave') return stop;
    if (stop && stop !== stopping) {
      if (stop === 'alike') yield { type: 'warning', message: alikeMessage(study, work) };
      await work.stop(stop === 'now' ? 'now' : 'save');
    }
    stopping = stop ?? stopping;
    if (!stopping) yield* work.start();
    if (detach && !stopping && work.count('todo') === 0) {
      const jobs = work.submitted();
      if (jobs) {
        yield { type: 'detached', jobs };
        return undefined;
      }
    }
    if (work.count('job') === 0 && (stopping || work.count('todo', 'elsewhere') === 0)) {
      if (stopping) await dropStopRequest(study.folder);
      return stopping === 'alike' ? undefined : stopping;
    }
    await sleep(pollMs, undefined, { signal: stopping ? undefined : signal }).catch(() => {});
  }
}

async function stopAsked(
  { folder }: Study,
  work: CellWork,
  { signal, outlives }: { readonly signal: AbortSignal | undefined; readonly outlives: boolean },
): Promise<Stop | undefined> {
  const asked = await readStopRequest(folder);
  if (asked === 'now') return 'now';
  if (signal?.aborted) return outlives && isForThisProcess(signal.reason) ? 'leave' : 'interrupt';
  return asked ?? (work.alikeFailure() === undefined ? undefined : 'alike');
}

const alikeMessage = ({ record }: Study, work: CellWork): string =>
  `${record.study.failures.stopAfterAlike} cells in a row failed in the same way, so no more are started: ${work.alikeFailure()}`;

const isForThisProcess = (reason: unknown): boolean =>
  reason instanceof PhasetuneError && LEAVE.has((reason as PhasetuneError<'interrupted'>).fields.signal ?? '');

async function interrupted(study: Study, left: number): Promise<PhasetuneError> {
  const done = (await cellStates(study)).filter(({ state }) => state === 'done').length;
  const rest = left > 0 ? `${left} jobs continue without this process` : 'all is saved';
  return new PhasetuneError('interrupted', `stopped with ${done} of ${study.cells.length} cells done; ${rest}`, {
    remedies: [{ advice: 'run the same task again to continue' }],
  });
}
