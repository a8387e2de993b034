import { env, execArgv, execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseOptions } from '../config/given-options.js';
import { PhasetuneError, usageError } from '../core/errors.js';
import { startTask, type Task } from '../core/task.js';
import { lockFolder } from '../io/lock.js';
import type { AskHooks } from '../workflow/hooks.js';
import { hasCard } from '../workflow/machine.js';
import { blockOf, type Cell } from './cell.js';
import { cellStates } from './cell-states.js';
import { countStates } from './control.js';
import type { StudyEvent } from './events.js';
import { openExecutor } from './executors/open.js';
import { refuseLeftJobs } from './left-jobs.js';
import { type AblateOptions, type AblateSettings, ablateOptionsSchema } from './options.js';
import { prepareStudy } from './prepare.js';
import { type RenderedJob, renderJob } from './render/render.js';
import { computeResults } from './results/compute.js';
import type { Results } from './results/results.js';
import { writeResults } from './results/write.js';
import { runCells } from './run-cells.js';
import type { CellState } from './state.js';
import type { Study } from './study-record.js';
import { measureWinRates, winRateValues } from './win-rates.js';

/** A program and its first arguments. */
export type CellCommand = readonly [program: string, ...words: string[]];

/** What a program can give a study besides its options. */
export interface StudyHooks extends AskHooks {
  /** What runs one cell; the study's folder and the cell's index follow. Default: this package's own command line. */
  readonly cellCommand?: CellCommand | undefined;
}

/** The command line of this package, which runs a cell in a separate process. */
const OWN_COMMAND: CellCommand = [
  execPath,
  ...execArgv,
  fileURLToPath(new URL('../cli/main.js', import.meta.url)),
  'ablate',
  'cell',
];

/** What came of a study. */
export interface AblateResult {
  readonly folder: string;
  readonly study: Study;
  /** In the order of the cells. */
  readonly states: readonly CellState[];
  /** Absent while cells are not settled. */
  readonly results?: Results | undefined;
  /** The manifest that `render` wrote; absent where no cell was left. */
  readonly job?: RenderedJob | undefined;
  /** Which cells failed, and what to do; the command line ends with it after the results. */
  readonly problem?: PhasetuneError | undefined;
}

/**
 * Runs a study: registers it (cells, hold-out, budget, analysis) before the first run, trains every cell that is not
 * done, and compares the arms with the control. The same options again continue it; whatever is done stays done.
 *
 * With `render` nothing is trained: what is written says how a cluster trains the cells that are
 * left. For a study whose executor is `kubernetes`, the same options without it compare the arms
 * once all cells are settled.
 *
 * Throws usage and data errors of the study file and of inputs that changed, `failed` where another process runs the
 * study, `interrupted` where it was stopped: cells have saved then. A result with a `problem` says which cells failed;
 * its results are there once nothing else is left to run.
 *
 * @example
 * const out = 'studies/first';
 * const study = ablate({ file: 'study.yaml', out });
 * for await (const event of study.events) if (event.type === 'cell-end') console.log(event.id, event.outcome);
 * const { results } = await study.result;
 * for (const { arm, difference, verdict } of results?.comparisons ?? []) console.log(arm, difference, verdict);
 */
export const ablate = (options: AblateOptions, hooks: StudyHooks = {}): Task<StudyEvent, AblateResult> =>
  startTask(() => ablating(options, hooks));

async function* ablating(given: AblateOptions, hooks: StudyHooks): AsyncGenerator<StudyEvent, AblateResult> {
  const options = parseOptions(ablateOptionsSchema, given);
  if (options.render && options.finish)
    throw usageError('`render` writes a Job for the cells that are left, and `finish` leaves them out; expected one', {
      option: 'render',
    });
  const lock = await lockFolder(options.out, 'ablate');
  try {
    if (lock.takenOver) {
      const { pid, since } = lock.takenOver;
      const message = `process ${pid}, which ran this study since ${since}, ended without releasing it: it was killed`;
      yield { type: 'warning', message };
    }
    const study = yield* prepareStudy(options, hooks);
    const { folder, cells } = study;
    const blocks = new Set(cells.map(blockOf)).size;
    yield { type: 'study', folder, cells: cells.length, blocks, states: countStates(await cellStates(study)) };
    const { finish } = options;
    if (!finish) await refuseLeftJobs(study, hooks.environment ?? env);
    if (!finish && study.record.study.executor.kind === 'kubernetes') {
      const { states, job } = yield* renderIn(study, options, hooks);
      return { ...(yield* conclude(study, { states, finish }, hooks)), ...(job && { job }) };
    }
    const states = finish ? await cellStates(study) : yield* runIn(study, options, hooks);
    return yield* conclude(study, { states, finish }, hooks);
  } finally {
    await lock.release();
  }
}

/** Runs what is left of the study, or of its pilot. */
async function* runIn(
  study: Study,
  { pilot, executor: kind, parallel, detach }: AblateSettings,
  hooks: StudyHooks,
): AsyncGenerator<StudyEvent, readonly CellState[]> {
  const { cellCommand = OWN_COMMAND, environment = env } = hooks;
  const executor = await openExecutor(study, { kind, parallel, cellCommand, environment, onCard: hasCard() }, hooks);
  try {
    const indices = pilot === undefined ? undefined : pilotCells(study, pilot).map(({ index }) => index);
    return yield* runCells(study, { indices, executor, detach }, hooks);
  } finally {
    await executor.close();
  }
}

/** Writes the Job of what is left of the study, or of its pilot; without `render` there must be nothing left. */
async function* renderIn(
  study: Study,
  { pilot, render }: AblateSettings,
  hooks: StudyHooks,
): AsyncGenerator<StudyEvent, { readonly states: readonly CellState[]; readonly job?: RenderedJob }> {
  const states = await cellStates(study);
  const wanted = pilot === undefined ? study.cells : pilotCells(study, pilot);
  const left = wanted.filter(({ index }) => !isSettled(states[index - 1]!));
  if (left.length === 0) return { states };
  if (!render) throw unsettled(study, left.length);
  const running = left.filter(({ index }) => states[index - 1]!.state === 'running').length;
  if (running > 0) yield { type: 'warning', message: `${running} of these cells run now: delete their Job first` };
  const job = await renderJob(study, left, hooks);
  yield { type: 'rendered', ...job };
  return { states, job };
}

const isSettled = ({ state }: CellState): boolean => state === 'done' || state === 'failed';

/** The error that says how many cells pods have still to run. */
const unsettled = ({ folder, cells }: Study, left: number): PhasetuneError =>
  new PhasetuneError(
    'failed',
    `${left} of ${cells.length} cells are not done, and pods run them without this process`,
    {
      file: folder,
      remedies: [
        { advice: 'wait for the Job' },
        { option: 'render', change: 'set', value: 'kubernetes', note: 'for a Job of these' },
        { option: 'finish', change: 'set', note: 'for results without them' },
      ],
    },
  );

/** The control's cells of the first seeds, in the first split and the first group of the axes. */
function pilotCells({ cells, record }: Study, seeds: number): readonly Cell[] {
  const ofControl = cells.filter(({ arm }) => arm === record.analysis.control);
  const first = ofControl[0]!;
  const axes = JSON.stringify(first.axes);
  return ofControl.filter((cell) => cell.split === first.split && JSON.stringify(cell.axes) === axes).slice(0, seeds);
}

/** Measures what is still to measure, and writes the results once every cell is settled. */
async function* conclude(
  study: Study,
  { states, finish }: { readonly states: readonly CellState[]; readonly finish: boolean },
  hooks: StudyHooks,
): AsyncGenerator<StudyEvent, AblateResult> {
  const { folder, record } = study;
  const problem = problemOf(study, states);
  const ended = { folder, study, states, ...(problem && { problem }) };
  if (!finish && !states.every(isSettled)) return ended;
  const measured = 'win-rate' in record.study.metric;
  if (measured) yield* measureWinRates(study, states, hooks);
  const winRates = measured ? await winRateValues(study, states) : undefined;
  const results = await computeResults(study, { states, finish, ...(winRates && { winRates }) });
  yield { type: 'results', path: await writeResults(folder, results) };
  return { ...ended, results };
}

/** The error that names the cells that failed, whether others are still to be run or not. */
function problemOf({ folder, cells }: Study, states: readonly CellState[]): PhasetuneError | undefined {
  const failed = cells.filter((_, i) => states[i]!.state === 'failed').map(({ id }) => id);
  if (failed.length === 0) return undefined;
  const named = failed.slice(0, 5).join(', ') + (failed.length > 5 ? ', …' : '');
  return new PhasetuneError('failed', `${failed.length} of ${cells.length} cells failed: ${named}`, {
    file: folder,
    remedies: [
      { task: 'ablate status', options: { folder }, note: 'to see why' },
      { task: 'ablate retry', options: { folder }, note: 'to try them again' },
    ],
  });
}
