import { importHandover } from '../../../handover/import.js';
import { formatLossMatrix } from '../../../train/forgetting.js';
import { showBars } from '../../bars.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, { print, logger, progress, signal, verbose }) => {
  const hooks = { logger, signal, verbose, onProgress: showBars(progress) };
  const { folder, run, warnings } = await importHandover(options, hooks);
  for (const warning of warnings) logger.warn(warning);
  if (run.matrix) for (const line of formatLossMatrix(run.matrix)) print(line);
  const { trainedBy, adapter } = run;
  print(`trained by ${trainedBy?.engine}; the run is ${folder}, its adapter ${folder}/${adapter?.path}`);
  const unknown = trainedBy?.notKnown ?? [];
  if (unknown.length > 0) print(`not recorded: ${unknown.join('; ')}`);
  return { folder, adapter: `${folder}/${adapter?.path}`, trainedBy, matrix: run.matrix, stages: run.stages, warnings };
};
