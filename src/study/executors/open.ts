import { usageError } from '../../core/errors.js';
import type { Hooks } from '../../workflow/hooks.js';
import type { ExecutorOptions } from '../study-file.js';
import type { Study } from '../study-record.js';
import { capacityOf, thisMachine } from './capacity.js';
import { openCommand } from './command.js';
import type { Executor } from './executor.js';
import { openLocal } from './local.js';
import { openSlurm } from './slurm/open.js';

/** What an executor is opened with, besides what the study says. */
export interface OpenOptions {
  /** Instead of the study's. */
  readonly kind?: ExecutorOptions['kind'] | undefined;
  readonly parallel?: number | undefined;
  /** Program and first arguments that run a cell; the study's folder and the cell's index are added. */
  readonly cellCommand: readonly [string, ...string[]];
  /** The environment of this process. */
  readonly environment: NodeJS.ProcessEnv;
  /** Cells compute on a card of this machine. */
  readonly onCard: boolean;
}

/** Opens the executor of a study; throws a usage error for one that is not described. */
export async function openExecutor(
  study: Study,
  { kind, parallel, cellCommand, environment, onCard }: OpenOptions,
  { logger }: Hooks = {},
): Promise<Executor> {
  const { record, cells } = study;
  const decided = record.study.executor;
  const options = { ...decided, ...(kind && { kind }), ...(parallel !== undefined && { parallel }) };
  if (options.kind === 'command') {
    const { command } = options;
    if (command === undefined)
      throw usageError('`executor: command` needs `executor.command`, the command that runs one cell', {
        option: 'executor.command',
      });
    return openCommand({ command, environment, parallel: options.parallel ?? 1 });
  }
  if (options.kind === 'slurm') return openSlurm({ study, options, cellCommand, environment, logger });
  const { warnings, ...capacity } = capacityOf(options, cells, thisMachine(onCard));
  for (const warning of warnings) logger?.warn(warning);
  return openLocal({ cellCommand, environment, parallel: capacity.parallel });
}
