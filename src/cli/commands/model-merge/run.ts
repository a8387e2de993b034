import { memoryFor, namingMemory } from '../../../core/out-of-memory.js';
import { mergeAdapter } from '../../../lora/merge-folder.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ model, adapter, out, dtype }, { print, logger, progress, signal }) => {
  let bar: ReturnType<typeof progress> | undefined;
  const onTensor = (done: number, total: number) => {
    bar ??= progress({ label: 'merge', total, unit: 'tensors' });
    bar.update(done);
  };
  const { files, tensors, merged, lost, warnings } = await namingMemory(memoryFor('merging'), () =>
    mergeAdapter(model, adapter, out, { dtype, signal, onTensor }),
  ).finally(() => bar?.finish());
  for (const warning of warnings) logger.warn(warning);
  print(`${merged} of ${tensors} tensors changed by the adapter; ${files.length} files in ${out}`);
  return { out, dtype, tensors, merged, lost, files, warnings };
};
