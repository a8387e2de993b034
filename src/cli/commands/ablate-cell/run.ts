import { runCell } from '../../../study/run-cell.js';
import type { Run } from '../../command.js';
import { runDisplay, showResult } from '../../run-display.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, context) => {
  const { logger, signal, verbose } = context;
  const display = runDisplay(context);
  const training = runCell(options, { logger, signal, verbose });
  try {
    for await (const event of training.events) display.show(event);
  } finally {
    display.close();
  }
  const result = await training.result;
  showResult(result, context);
  return { out: result.folder, ...result.run };
};
