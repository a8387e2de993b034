import { refuseInputsIn } from '../../../io/same-file.js';
import { importModel } from '../../../model/import.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ src, out, ...options }, { print, logger, progress, signal }) => {
  await refuseInputsIn(out, [src, ...(options.tokenizer === undefined ? [] : [options.tokenizer])]);
  const { files, tensors, parameters, warnings } = await importModel(src, out, { ...options, progress, signal });
  for (const warning of warnings) logger.warn(warning);
  print(
    `${tensors} tensors, ${parameters.toLocaleString('en-US')} parameters as ${options.dtype}, ${files.length} files in ${out}`,
  );
  return { out, dtype: options.dtype, tensors, parameters, files, warnings };
};
