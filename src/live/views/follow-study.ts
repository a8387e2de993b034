import { PhasetuneError } from '../../core/errors.js';
import { fileStamp } from '../../io/files.js';
import { type FolderHolder, liveHolder } from '../../io/lock-file.js';
import { type StudyReport, studyResults } from '../../report/study/read-study-report.js';
import type { KnownJobs } from '../../study/cell-states.js';
import { leftJobs } from '../../study/left-jobs.js';
import type { Attempt, CellState } from '../../study/state.js';
import { readStudy, type Study, studyPaths } from '../../study/study-record.js';
import { followAttempts } from './follow-attempts.js';
import { followCells } from './follow-cells.js';
import { type FollowedRun, followRun, type RunFollower } from './follow-run.js';
import type { LiveCell } from './study-state.js';

/** What the cells that are done come to, or why that cannot be read. */
type Results = Pick<StudyReport, 'results' | 'final'> | { readonly final: false; readonly problem: string };

/** A study as its files have it so far. */
export interface FollowedStudy {
  readonly study: Study;
  readonly cells: readonly LiveCell[];
  /** The process that runs it; undefined for none. */
  readonly holder?: FolderHolder | undefined;
  readonly outcome: Results;
}

/** Follows the files of a study: what cannot have changed since is not read again. One call at a time. */
export function followStudy(folder: string): () => Promise<FollowedStudy> {
  const readRecord = recordReader(folder);
  const readStates = followCells();
  const readLeft = leftReader();
  const readRun = runReader();
  const readResults = resultsReader();
  const attempts = new Map<number, () => Promise<readonly Attempt[]>>();
  return async () => {
    const study = await readRecord();
    const holder = await liveHolder(folder);
    const states = await readStates.read(study, holder ? undefined : await readLeft(study));
    const paths = studyPaths(folder);
    const cells: LiveCell[] = [];
    for (const [i, cell] of study.cells.entries()) {
      const state = states[i]!;
      const ofCell = attempts.get(cell.index) ?? followAttempts(paths.attempts(cell.id));
      attempts.set(cell.index, ofCell);
      const run = await readRun(cell.index, paths.run(cell.id), state.state);
      cells.push({ cell, state, attempts: await ofCell(), run });
    }
    return { study, cells, holder, outcome: await readResults(study, states, holder !== undefined) };
  };
}

/** Reads the study's record where it has changed since it was last read. */
function recordReader(folder: string): () => Promise<Study> {
  let stamp = '';
  let study: Study | undefined;
  return async () => {
    const { record, cells } = studyPaths(folder);
    const now = `${await fileStamp(record)} ${await fileStamp(cells)}`;
    if (!study || now !== stamp) study = await readStudy(folder);
    stamp = now;
    return study;
  };
}

/** Milliseconds between two questions to Slurm: what happens in files is seen at once. */
export const ASK_MS = 30_000;

/** Asks Slurm, not too often, for jobs of the study that no process follows; only the first answer is waited for. */
function leftReader(): (study: Study) => Promise<KnownJobs | undefined> {
  let asked: number | undefined;
  let left: KnownJobs | undefined;
  return async (study) => {
    if (asked !== undefined && performance.now() < asked + ASK_MS) return left;
    const answer = leftJobs(study).then((jobs) => {
      left = jobs;
    });
    if (asked === undefined) await answer;
    // What was known before stands.
    else answer.catch(() => {});
    asked = performance.now();
    return left;
  };
}

/** Follows the runs of cells; one that is done is read to its end once. */
function runReader() {
  const followers = new Map<number, RunFollower>();
  const done = new Map<number, FollowedRun>();
  return async (index: number, folder: string, state: CellState['state']): Promise<FollowedRun | undefined> => {
    if (state !== 'done') done.delete(index);
    if (state === 'waiting' || state === 'queued') return undefined;
    const known = done.get(index);
    if (known) return known;
    const follower = followers.get(index) ?? followRun(folder);
    followers.set(index, follower);
    const run = await follower.read();
    if (state === 'done') done.set(index, run);
    return run;
  };
}

/** The results of the cells that are done, computed again where a cell's state or the written results have changed. */
function resultsReader() {
  let stamp = '';
  let results: Results | undefined;
  return async (study: Study, states: readonly CellState[], running: boolean): Promise<Results> => {
    const written = await fileStamp(studyPaths(study.folder).results);
    const now = `${study.record.hash} ${written} ${running} ${states.map(({ state }) => state).join(' ')}`;
    if (!results || now !== stamp) results = await resultsOrProblem(study, states, running);
    stamp = now;
    return results;
  };
}

async function resultsOrProblem(study: Study, states: readonly CellState[], running: boolean): Promise<Results> {
  try {
    return await studyResults(study, states, running);
  } catch (error) {
    if (!(error instanceof PhasetuneError)) throw error;
    return { final: false, problem: error.problem };
  }
}
