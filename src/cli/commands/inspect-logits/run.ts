import { loadBackend } from '../../../backend/load.js';
import { usageError } from '../../../core/errors.js';
import { type HostTensor, int32 } from '../../../core/host-tensor.js';
import { fewerBits, memoryFor, namingMemory } from '../../../core/out-of-memory.js';
import { writeSafetensors } from '../../../io/safetensors.js';
import { refuseInside } from '../../../io/same-file.js';
import { adaptedModel } from '../../../lora/adapted-model.js';
import { type ModelFolder, openModelFolder } from '../../../model/load.js';
import { logitsSpec } from '../../../model/logits.js';
import { compileOptions } from '../../../program/options.js';
import type { Logger } from '../../../telemetry/logger.js';
import type { CommandContext, OptionsOf, Run } from '../../command.js';
import type { command } from './options.js';

type Options = OptionsOf<typeof command>;

/** See {@link command}. */
export const run: Run<typeof command> = async (options, context) => {
  const { model: folder, adapter, ids, out } = options;
  await refuseInside(out, [folder, ...(adapter === undefined ? [] : [adapter])]);
  const model = await openModelFolder(folder);
  try {
    for (const warning of model.warnings) context.logger.warn(warning);
    refuseUnknownIds(options, model.config.vocab_size);
    const { logits, device } = await computeLogits(model, options, context);
    warnOfNonFinite(logits, model.config.vocab_size, context.logger);
    await writeSafetensors(out, [
      { name: 'logits', dtype: 'F32', shape: logits.shape, data: logits.data as Float32Array },
      { name: 'input_ids', dtype: 'I32', shape: [1, ids.length], data: Int32Array.from(ids) },
    ]);
    context.print(`logits [${logits.shape.join(', ')}] in ${out}, computed on ${device}`);
    return { out, shape: logits.shape, device };
  } finally {
    await model.close();
  }
};

function refuseUnknownIds({ model, ids }: Options, vocabSize: number): void {
  const unknown = ids.find((id) => id >= vocabSize);
  if (unknown !== undefined)
    throw usageError(`\`ids\`: ${unknown} is not a token of ${model}; expected 0 to ${vocabSize - 1}`, {
      option: 'ids',
    });
}

async function computeLogits(
  model: ModelFolder,
  { adapter, ids, device, ...options }: Options,
  { logger, verbose }: CommandContext,
) {
  const backend = await loadBackend({ device, logger, verbose });
  const shapes = { logits: [{ ids: [1, ids.length] }] };
  const compile = { ...compileOptions(options, backend), shapes };
  const program = await namingMemory(memoryFor('loading the model', ...fewerBits(compile)), () =>
    adaptedModel(model, adapter, logitsSpec, compile, logger.warn),
  );
  try {
    const { logits } = await namingMemory(memoryFor('computing the logits', { advice: 'give fewer `ids`' }), () =>
      program.run('logits', { ids: int32([1, ids.length], ids) }, ['logits']),
    );
    return { logits: logits!, device: backend.device };
  } finally {
    program.dispose();
  }
}

function warnOfNonFinite({ data }: HostTensor, vocabSize: number, logger: Logger): void {
  const first = (data as Float32Array).findIndex((value) => !Number.isFinite(value));
  if (first < 0) return;
  const [id, position] = [first % vocabSize, Math.floor(first / vocabSize)];
  logger.warn(
    `the logits are not all finite numbers: that of id ${id} after token ${position} is ${data[first]}; the weights are damaged or their training diverged`,
  );
}
