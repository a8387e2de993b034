/**
 * phasetune/study: the files of a study: what it is made of, the states of its cells, and its results.
 *
 * @module study
 */

export type { Cell } from '../study/cell.js';
export { cellStates, type KnownJobs } from '../study/cell-states.js';
export type { JobEnd, JobState } from '../study/executors/executor.js';
export { computeResults, type ResultsOptions } from '../study/results/compute.js';
export type { Results } from '../study/results/results.js';
export type { WinRateValues } from '../study/results/values.js';
export { readResults } from '../study/results/write.js';
export type { CellState, Failure } from '../study/state.js';
export { type StudyFile, studyFileSchema } from '../study/study-file.js';
export { readStudy, type Study, type StudyRecord } from '../study/study-record.js';
