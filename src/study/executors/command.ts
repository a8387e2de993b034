import { resolve } from 'node:path';
import { usageError } from '../../core/errors.js';
import { shellWord } from '../../core/shell-word.js';
import { childJobs } from './child-jobs.js';
import type { Executor } from './executor.js';

/** A command that runs a cell, here or elsewhere. */
export interface CommandOptions {
  /** For `sh -c`, with {study} for the study's folder and {index} for the cell, which are put in quotes. */
  readonly command: string;
  /** The environment of this process. */
  readonly environment: NodeJS.ProcessEnv;
  /** Cells that run at once. */
  readonly parallel: number;
}

const PLACES = ['study', 'index'] as const;

/**
 * Runs each cell by a command of the user's, such as `ssh host …`, that ends when the cell does, with its exit status.
 * The study's folder must be the same path wherever it leads. What it starts elsewhere may outlive it; the truth about
 * a cell is in its files.
 */
export function openCommand({ command, environment, parallel }: CommandOptions): Executor {
  const missing = PLACES.filter((name) => !command.includes(`{${name}}`));
  if (missing.length > 0)
    throw usageError(`the command to run a cell by does not contain {${missing.join('} and {')}}: ${command}`, {
      option: 'executor.command',
    });
  return childJobs('command', parallel, ({ folder, cell }) => {
    const values = { study: resolve(folder), index: String(cell.index) };
    const script = command.replace(/\{(study|index)\}/g, (_, name: (typeof PLACES)[number]) => shellWord(values[name]));
    // The shell hears of an interrupt too, and has to wait until what it started has saved.
    return { program: 'sh', args: ['-c', `trap : TERM\n${script}`], environment, asks: 'group' };
  });
}
