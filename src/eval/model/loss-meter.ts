import { float32, type HostTensor, int32 } from '../../core/host-tensor.js';
import { FREE_MEMORY, fewerBits, SMALLER_MODEL } from '../../core/out-of-memory.js';
import type { Remedy } from '../../core/remedies.js';
import type { BatchShape } from '../../data/batch-shapes.js';
import { type MicroBatch, rowsOf } from '../../data/micro-batch.js';
import { adaptedModel } from '../../lora/adapted-model.js';
import type { ModelFolder } from '../../model/load.js';
import type { CompileOptions } from '../../program/compile-options.js';
import type { Program } from '../../program/program.js';
import { type LossFeeds, lossesByRow, lossFeedShapes, lossFeeds } from '../../train/loss-feeds.js';
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
  const shapes = batches.map(({ shape }) => shape);
  const program = await openProgram(model, adapterFolder, shapes, options, warn);
  return { ...meterOf(program, remediesFor(options)), dispose: () => program.dispose() };
}

/** What measures with a program that has the entries of `lossSpec`; `remedies` are what helps if memory runs out. */
export function meterOf(program: Program, remedies: Remedy[]): Omit<ModelMeter, 'dispose'> {
  const losses = lossesOf(program, remedies);
  return { measure: async (batch) => lossesByRow(batch, await losses(batch, lossFeeds(batch, 1))) };
}

/** A model that says how likely each of two tokens is at the end of a text. */
export interface LabelMeter {
  /**
   * For each text, line after line, minus the log-probabilities of the two labels after it, in nats. The texts end with
   * the first label, which alone is marked to be measured.
   */
  measure(batch: MicroBatch): Promise<{ readonly first: Float32Array; readonly second: Float32Array }>;
  dispose(): void;
}

/**
 * As {@link openLossMeter}; `second` is the other label's id. The head is computed for the texts'
 * last positions only.
 */
export async function openLabelMeter(
  model: ModelFolder,
  second: number,
  batches: readonly Pick<MicroBatch, 'shape'>[],
  options: CompileOptions,
): Promise<LabelMeter> {
  const shapes = batches.map(({ shape }) => ({ ...shape, targets: 2 * shape.targets }));
  const program = await openProgram(model, undefined, shapes, options);
  const losses = lossesOf(program, remediesFor(options));
  return {
    async measure(batch) {
      const { sources, labels, weights, ...feeds } = lossFeeds(batch, 1);
      const places = batch.shape.targets;
      const all = await losses(batch, {
        ...feeds,
        sources: int32([2 * places], [...sources.data, ...sources.data]),
        labels: int32([2 * places], [...labels.data, ...new Array<number>(places).fill(second)]),
        weights: float32([2 * places], [...weights.data, ...weights.data]),
      });
      const texts = rowsOf(batch).length;
      const from = (start: number) => all.data.slice(start, start + texts) as Float32Array;
      return { first: from(0), second: from(places) };
    },
    dispose: () => program.dispose(),
  };
}

const remediesFor = (options: CompileOptions): Remedy[] => [...SMALLER_BATCHES, ...fewerBits(options)];

/** Calls the entry `evalLoss`. */
const lossesOf =
  (program: Program, remedies: Remedy[]) =>
  (batch: MicroBatch, feeds: LossFeeds): Promise<HostTensor> =>
    namingMemory({ what: 'measuring losses', batch, remedies }, async () => {
      const { losses } = await program.run('evalLoss', feeds, ['losses']);
      return losses!;
    });

/** A program with the entry `evalLoss`, ready for batches of these shapes. */
function openProgram(
  model: ModelFolder,
  adapterFolder: string | undefined,
  shapes: readonly BatchShape[],
  options: CompileOptions,
  warn?: (warning: string) => void,
): Promise<Program> {
  const ready = [...new Map(shapes.map((shape) => [JSON.stringify(shape), lossFeedShapes(shape)])).values()];
  return namingMemory({ what: 'loading the model', remedies: [...fewerBits(options), ...LOADING] }, () =>
    adaptedModel(model, adapterFolder, lossSpec, { ...options, shapes: { evalLoss: ready }, warn }, warn),
  );
}
