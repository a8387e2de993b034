import * as z from 'zod';
import { deviceOption } from '../../backend/options.js';
import { usageError } from '../../core/errors.js';
import { programOptions } from '../../program/options.js';
import { defineCommand } from '../command.js';

/** `phasetune inspect logits`: what the model says at every position, for comparison with other implementations. */
export const inspectLogits = defineCommand({
  command: 'inspect logits',
  describe: 'write the logits of token ids to a safetensors file, to compare with other implementations',
  schema: z.strictObject({
    model: z.string().min(1).describe('Hugging Face folder of the model'),
    adapter: z.string().min(1).optional().describe('PEFT adapter folder'),
    ids: z.array(z.coerce.number().int().nonnegative()).min(1).describe('token ids of one text: 1,2,3'),
    out: z.string().min(1).describe('safetensors file to write: input_ids [1, T] and logits [1, T, V], float32'),
    ...programOptions.shape,
    precision: z.enum(['bfloat16', 'float32']).default('float32').describe('type of products and of frozen weights'),
    device: deviceOption,
  }),
  examples: [['phasetune inspect logits --model DIR --ids 1,2,3 --out logits.safetensors', 'logits [1, 3, V]']],
  async run({ model: folder, adapter, ids, out, device, ...options }, { print, logger, verbose }) {
    const { loadBackend } = await import('../../backend/load.js');
    const { int32 } = await import('../../core/host-tensor.js');
    const { memoryFor, namingMemory } = await import('../../core/out-of-memory.js');
    const { writeSafetensors } = await import('../../io/safetensors.js');
    const { adaptedModel } = await import('../../lora/adapted-model.js');
    const { openModel } = await import('../../model/load.js');
    const { logitsSpec } = await import('../../model/logits.js');
    const { compileOptions } = await import('../../program/options.js');
    const { refuseInside } = await import('../../io/same-file.js');
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
  },
});
