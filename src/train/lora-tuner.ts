import type { Backend } from '../backend/backend.js';
import { dataError } from '../core/errors.js';
import { float32, int32, sizeOf } from '../core/host-tensor.js';
import { adapterSpecs, initAdapter } from '../lora/adapter.js';
import { loraLinear } from '../lora/apply.js';
import { mergeInto } from '../lora/merge.js';
import type { LoraOptions } from '../lora/options.js';
import { type ModelFolder, modelVariables } from '../model/load.js';
import { linearShapes } from '../model/parameters.js';
import { momentShapes } from '../optim/adamw.js';
import type { OptimOptions } from '../optim/options.js';
import { type CompileOptions, compile } from '../program/compile.js';
import { joinSpecs, type Program, type ProgramSpec, type VariableValue } from '../program/program.js';
import { writeGroups } from '../program/write-groups.js';
import { lossesByRow, lossFeeds } from './loss-feeds.js';
import { trainSpec } from './step.js';
import type { MicroBatch, NamedTensors, Tuner } from './tuner.js';

/** What a LoRA tuner is made of. */
export interface LoraTunerOptions {
  readonly backend: Backend;
  readonly model: ModelFolder;
  readonly lora: LoraOptions;
  readonly optim: OptimOptions;
  /** Default: eager, float32. */
  readonly compile?: CompileOptions;
  /** Further entries over the same weights and adapter, such as decoding. */
  readonly extra?: ProgramSpec;
}

/**
 * A tuner of a base model with a LoRA adapter, and the program it runs on. Nothing is loaded yet: call `loadBase`, then
 * `reset` or `write` the adapter and the optimizer.
 */
export async function loraTuner(options: LoraTunerOptions): Promise<{ tuner: Tuner; program: Program }> {
  const { backend, model, lora, optim } = options;
  const trainable = adapterSpecs(linearShapes(model.config), lora);
  const spec = joinSpecs(
    modelVariables(model.config),
    trainSpec({
      config: model.config,
      trainable,
      optim,
      trainLinear: (seed) => loraLinear(lora, seed),
      evalLinear: loraLinear(lora),
    }),
    ...(options.extra ? [options.extra] : []),
  );
  const program = await compile(spec, options.compile);
  const shapes = { adapter: trainable, optimizer: momentShapes(trainable) };
  const tuner: Tuner = {
    step: (batches, inputs) => step(program, batches, inputs),
    async evaluate(batch) {
      const { losses } = await program.run('evalLoss', lossFeeds(batch, 1), ['losses']);
      return lossesByRow(batch, losses!);
    },
    read: (what) => program.read(shapes[what].keys()),
    write(what, tensors) {
      checkNames(what, shapes[what], tensors);
      program.write(tensors);
    },
    reset(what, seed) {
      if (what === 'adapter') program.write(initAdapter(trainable, seed));
      else program.write(zeros(shapes.optimizer));
    },
    loadBase: (merged) => writeGroups(program, mergedParameters(model, lora, merged)),
    memory: () => backend.memory(),
    dispose: () => program.dispose(),
  };
  return { tuner, program };
}

function* zeros(shapes: ReadonlyMap<string, readonly number[]>): Generator<VariableValue> {
  for (const [name, shape] of shapes) yield [name, float32(shape, new Float32Array(sizeOf(shape)))];
}

async function* mergedParameters(model: ModelFolder, options: LoraOptions, merged: readonly NamedTensors[]) {
  for await (const [name, value] of model.parameters()) {
    for (const tensors of merged) mergeInto(name, value, { options, tensors });
    yield [name, value] as const;
  }
}

const step = async (program: Program, batches: readonly MicroBatch[], inputs: Parameters<Tuner['step']>[1]) => {
  const trained = batches.reduce((n, { rows }) => n + rows.reduce((sum, row) => sum + row.trained, 0), 0);
  if (trained === 0) throw new RangeError('a step needs at least one trained token');
  let loss = 0;
  for (const [i, batch] of batches.entries()) {
    // Each micro-batch has dropout masks of its own: an odd multiplier keeps the seeds of neighbouring steps apart.
    const seed = int32([], [(Math.imul(inputs.seed, 0x9e3779b1) + i) | 0]);
    const feeds = { ...lossFeeds(batch, 1 / trained), seed };
    if (i < batches.length - 1) {
      loss += (await program.run('accumulate', feeds, ['loss'])).loss!.data[0]!;
      continue;
    }
    const hyper = { learningRate: float32([], [inputs.learningRate]), step: float32([], [inputs.step]) };
    const last = await program.run('trainStep', { ...feeds, ...hyper }, ['loss', 'gradNorm']);
    return { loss: loss + last.loss!.data[0]!, gradNorm: last.gradNorm!.data[0]! };
  }
  throw new RangeError('a step needs at least one micro-batch');
};

function checkNames(what: string, expected: ReadonlyMap<string, readonly number[]>, tensors: NamedTensors): void {
  for (const [name, shape] of expected) {
    const came = tensors.get(name);
    if (came?.shape.join() !== shape.join())
      throw dataError(
        `${what}: ${name}: expected shape [${shape.join(', ')}], got ${came ? `[${came.shape.join(', ')}]` : 'no such tensor'}`,
        { tensor: name },
      );
  }
  for (const name of tensors.keys())
    if (!expected.has(name))
      throw dataError(`${what}: ${name}: unexpected tensor; the model has no place for it`, { tensor: name });
}
