import { resolve } from 'node:path';
import { childJobs } from './child-jobs.js';
import type { Executor } from './executor.js';

/** Where and how cells run on this machine. */
export interface LocalOptions {
  /** Program and first arguments that run a cell; the study's folder and the cell's index are added. */
  readonly cellCommand: readonly [string, ...string[]];
  /** The environment of this process. */
  readonly environment: NodeJS.ProcessEnv;
  /** Cells that run at once. */
  readonly parallel: number;
}

/**
 * Runs each cell in a process on this machine. One whose coordinator is gone saves and stops. Options of phasetune in
 * the environment are not passed on, since the cell's recipe decides everything.
 */
export function openLocal({ cellCommand, environment, parallel }: LocalOptions): Executor {
  const [program, ...first] = cellCommand;
  const passed = withoutOptions(environment);
  return childJobs('local', parallel, ({ folder, cell }) => ({
    program,
    args: [...first, resolve(folder), String(cell.index)],
    environment: passed,
    asks: 'process',
  }));
}

const withoutOptions = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith('PHASETUNE_') || name === 'PHASETUNE_HOME'),
  );
