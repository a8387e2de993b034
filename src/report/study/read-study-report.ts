import { isDataError } from '../../core/errors.js';
import { exists } from '../../io/files.js';
import { type FolderHolder, liveHolder } from '../../io/lock-file.js';
import { readAttemptLines } from '../../study/attempts.js';
import type { Cell } from '../../study/cell.js';
import { cellStates } from '../../study/cell-states.js';
import { leftJobs } from '../../study/left-jobs.js';
import type { Results } from '../../study/results/results.js';
import { resultsOf } from '../../study/results/results-of.js';
import { readResults } from '../../study/results/write.js';
import type { Attempt, CellState } from '../../study/state.js';
import { readStudy, type Study, studyPaths } from '../../study/study-record.js';
import { readRunEvents } from '../../train/read-run-events.js';
import { type RunFile, readRunFile } from '../../train/run-file.js';
import { type RunHistory, startHistory } from '../../train/run-history.js';

/** What a page shows of a cell. */
export interface CellReport {
  readonly cell: Cell;
  readonly state: CellState;
  readonly attempts: readonly Attempt[];
  /** Absent until its run has begun. */
  readonly run?: RunFile | undefined;
  /** Loss at each reported step, and the tokens trained up to there. */
  readonly training: { readonly trainedTokens: readonly number[]; readonly loss: readonly number[] };
  readonly heldOut: RunHistory['heldOut'];
  readonly spikes: RunHistory['spikes'];
  /** Why its files cannot be read. */
  readonly problem?: string | undefined;
}

/** What is known of a study: all that its page is made of. */
export interface StudyReport {
  /** The study's folder as it was given. */
  readonly folder: string;
  readonly record: Study['record'];
  /** In the order of work. */
  readonly cells: readonly CellReport[];
  /** Those of results.json where they are final; otherwise those of the cells that are done, without any verdict. */
  readonly results: Results;
  /** Whether verdicts may be shown. */
  readonly final: boolean;
  /** The process that runs the study now; absent where none does. */
  readonly coordinator?: Pick<FolderHolder, 'pid' | 'host' | 'since'> | undefined;
}

/**
 * Reads a study's folder, also while it runs; where no process does and Slurm has jobs of it, Slurm is asked where they
 * are. A data error where there is no study; what cannot be read of a cell is its `problem`.
 *
 * @example
 * const { cells, results, final } = await readStudyReport('studies/first');
 * console.log(cells.length, final ? results.comparisons.map(({ sentence }) => sentence) : 'no verdict yet');
 */
export async function readStudyReport(folder: string): Promise<StudyReport> {
  const study = await readStudy(folder);
  const coordinator = await liveHolder(folder);
  const states = await cellStates(study, coordinator ? undefined : await leftJobs(study));
  const cells: CellReport[] = [];
  for (const [i, cell] of study.cells.entries()) cells.push(await readCell(study, cell, states[i]!));
  const { results, final } = await studyResults(study, states, coordinator !== undefined);
  return { folder, record: study.record, cells, results, final, ...(coordinator && { coordinator }) };
}

/** The files of a cell and of its run. */
async function readCell({ folder }: Study, cell: Cell, state: CellState): Promise<CellReport> {
  const paths = studyPaths(folder);
  const path = paths.run(cell.id);
  const attempts = await readAttemptLines(paths.attempts(cell.id));
  const { history, add } = startHistory();
  const [trainedTokens, loss]: [number[], number[]] = [[], []];
  const about = { cell, state, attempts, training: { trainedTokens, loss } };
  if (state.state === 'waiting' || !exists(path)) return { ...about, heldOut: [], spikes: [] };
  try {
    for await (const event of readRunEvents(path)) add(event);
    for (const step of history.steps) {
      trainedTokens.push(step.trainedTokens);
      loss.push(step.loss);
    }
    const begun = history.start !== undefined || state.state === 'done';
    const run = begun ? await readRunFile(path) : undefined;
    return { ...about, ...(run && { run }), heldOut: history.heldOut, spikes: history.spikes };
  } catch (error) {
    if (!isDataError(error)) throw error;
    return { ...about, heldOut: [], spikes: [], problem: error.problem };
  }
}

/**
 * The results that were written, where they are about the cells as they are now; otherwise what the cells that are done
 * come to, from which nothing may be concluded. `running`: a process runs the study.
 */
export async function studyResults(
  study: Study,
  states: readonly CellState[],
  running: boolean,
): Promise<Pick<StudyReport, 'results' | 'final'>> {
  const settled = states.every(({ state }) => state === 'done' || state === 'failed');
  if (exists(studyPaths(study.folder).results)) {
    const results = await readResults(study.folder);
    const same =
      results.study === study.record.hash &&
      results.arms.reduce((sum, { planned }) => sum + planned, 0) === study.cells.length;
    // A study may be finished before all cells ran; once it is continued, that is no answer any more.
    if (same && (settled || !(results.complete || running))) return { results, final: true };
  }
  const problems = settled ? ['its results are not written yet'] : [];
  return { results: await resultsOf(study, { states, winRates: { values: new Map(), problems } }), final: false };
}
