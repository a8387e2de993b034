import { loadBackend } from '../../../backend/load.js';
import { usageError } from '../../../core/errors.js';
import { int32 } from '../../../core/host-tensor.js';
import { memoryFor, namingMemory } from '../../../core/out-of-memory.js';
import { writeSafetensors } from '../../../io/safetensors.js';
import { refuseInside } from '../../../io/same-file.js';
import { adaptedModel } from '../../../lora/adapted-model.js';
import { openModel } from '../../../model/load.js';
import { logitsSpec } from '../../../model/logits.js';
import { compileOptions } from '../../../program/options.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (
  { model: folder, adapter, ids, out, device, ...options },
  { print, logger, verbose },
) => {
  await refuseInside(out, [folder, ...(adapter === undefined ? [] : [adapter])]);
  const model = await openModel(folder);
  try {
    for (const warning of model.warnings) logger.warn(warning);
    const high = ids.find((id) => id >= model.config.vocab_size);
    if (high !== undefined)
      throw usageError(`--ids: ${high} is no token of ${folder}; expected 0 to ${model.config.vocab_size - 1}`);
    const backend = await loadBackend({ device, logger, verbose });
    const shapes = { logits: [{ ids: [1, ids.length] }] };
    const compile = { ...compileOptions(options, backend), shapes };
    const program = await namingMemory(
      memoryFor('loading the model', 'hold the weights in 8 bits with --load-in-8bit'),
      () => adaptedModel(model, adapter, logitsSpec, compile, logger.warn),
    );
    const { logits } = await namingMemory(memoryFor('computing the logits', 'give fewer --ids'), () =>
      program.run('logits', { ids: int32([1, ids.length], ids) }, ['logits']),
    );
    const odd = (logits!.data as Float32Array).findIndex((value) => !Number.isFinite(value));
    if (odd >= 0)
      logger.warn(
        `the logits are not all finite numbers: that of id ${odd % model.config.vocab_size} after token ${Math.floor(odd / model.config.vocab_size)} is ${logits!.data[odd]}; the weights are damaged or their training diverged`,
      );
    await writeSafetensors(out, [
      { name: 'logits', dtype: 'F32', shape: logits!.shape, data: logits!.data as Float32Array },
      { name: 'input_ids', dtype: 'I32', shape: [1, ids.length], data: Int32Array.from(ids) },
    ]);
    program.dispose();
    print(`logits [${logits!.shape.join(', ')}] in ${out}, computed on ${backend.device}`);
    return { out, shape: logits!.shape, device: backend.device };
  } finally {
    await model.close();
  }
};
