import { FREE_MEMORY, fewerBits, SMALLER_MODEL } from '../../core/out-of-memory.js';
import type { Remedy } from '../../core/remedies.js';
import type { MicroBatch } from '../../data/micro-batch.js';
import { adaptedModel } from '../../lora/adapted-model.js';
import type { ModelFolder } from '../../model/load.js';
import type { CompileOptions } from '../../program/compile-options.js';
import type { Program } from '../../program/program.js';
import { lossesByRow, lossFeedShapes, lossFeeds } from '../../train/loss-feeds.js';
import { namingMemory } from '../../train/out-of-memory.js';
import { lossSpec } from '../../train/step.js';

/** A model that only measures. */
export interface ModelMeter {
  /** For each row, line after line, the sum of the cross-entropy over its measured tokens, in nats. */
  measure(batch: MicroBatch): Promise<Float32Array>;
  dispose(): void;
}

/** What helps if memory is short. */
const SMALLER_BATCHES: Remedy[] = [
  { option: 'batchRows', change: 'lower' },
  { option: 'maxLength', change: 'lower' },
];
const LOADING = [SMALLER_MODEL, FREE_MEMORY];

/**
 * Loads a model, with an adapter folder or without, into a program that only measures losses. It is
 * compiled for the shapes of `batches`. A backend must be loaded. Throws data errors of the
 * adapter's files, and an error with the field `outOfMemory` if memory runs out. `warn` is called
 * for what is odd about those files.
 */
export async function openLossMeter(
  model: ModelFolder,
  adapterFolder: string | undefined,
  batches: readonly Pick<MicroBatch, 'shape'>[],
  options: CompileOptions,
  warn?: (warning: string) => void,
): Promise<ModelMeter> {
  const shapes = [...new Map(batches.map(({ shape }) => [JSON.stringify(shape), lossFeedShapes(shape)])).values()];
  const weights = fewerBits(options);
  const remedies = [...SMALLER_BATCHES, ...weights];
  const program = await namingMemory({ what: 'loading the model', remedies: [...weights, ...LOADING] }, () =>
    adaptedModel(model, adapterFolder, lossSpec, { ...options, shapes: { evalLoss: shapes }, warn }, warn),
  );
  return { ...meterOf(program, remedies), dispose: () => program.dispose() };
}

/** What measures with a program that has the entries of `lossSpec`; `remedies` are what helps if memory runs out. */
export const meterOf = (program: Program, remedies: Remedy[]): Omit<ModelMeter, 'dispose'> => ({
  measure: (batch) =>
    namingMemory({ what: 'measuring losses', batch, remedies }, async () => {
      const { losses } = await program.run('evalLoss', lossFeeds(batch, 1), ['losses']);
      return lossesByRow(batch, losses!);
    }),
});
