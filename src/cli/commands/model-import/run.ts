import { importModel } from '../../../workflow/model-files.js';
import { showBars } from '../../bars.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ src, ...options }, { print, logger, progress, signal }) => {
  const { out, dtype } = options;
  const imported = await importModel(src, options, { logger, signal, onProgress: showBars(progress) });
  const { files, tensors, parameters, warnings } = imported;
  const count = parameters.toLocaleString('en-US');
  print(`${tensors} tensors, ${count} parameters as ${dtype}, ${files.length} files in ${out}`);
  return { out, dtype, tensors, parameters, files, warnings };
};
