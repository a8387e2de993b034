import { runCell } from '../../../study/run-cell.js';
import type { Run } from '../../command.js';
import { showTraining } from '../../run-display.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, context) => {
  const { logger, signal, verbose } = context;
  return showTraining(runCell(options, { logger, signal, verbose }), context);
};
