import { mergeAdapter } from '../../../workflow/model-files.js';
import { showBars } from '../../bars.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ model, ...options }, { print, logger, progress, signal }) => {
  const { out, dtype } = options;
  const result = await mergeAdapter(model, options, { logger, signal, onProgress: showBars(progress) });
  const { files, tensors, merged, lost, warnings } = result;
  print(`${merged} of ${tensors} tensors changed by the adapter; ${files.length} files in ${out}`);
  return { out, dtype, tensors, merged, lost, files, warnings };
};
