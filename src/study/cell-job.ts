import type { Cell } from './cell.js';
import type { CellJob } from './executors/executor.js';
import { studyPaths } from './study-record.js';

/** The job of an attempt at a cell. */
export const jobOf = (folder: string, cell: Cell, attempt: number): CellJob => ({
  folder,
  cell,
  attempt,
  log: studyPaths(folder).log(cell.id, attempt),
});
