import { exportTensorBoard } from '../../../report/tensorboard/export.js';
import { formatCounted } from '../../../telemetry/format.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, { print, logger }) => {
  const { out, runs, missing } = await exportTensorBoard(options);
  if (missing.length > 0)
    logger.warn(`${formatCounted(missing.length, 'cell')} of the study not started yet: ${missing.join(', ')}`);
  const events = runs.reduce((n, run) => n + run.events, 0);
  print(`exported ${formatCounted(runs.length, 'run')}, ${formatCounted(events, 'record')}, to ${out}`);
  print(`to look at it: tensorboard --logdir ${out}`);
  return { out, runs, missing };
};
