import type { Backend } from '../backend/backend.js';
import { dataError } from '../core/errors.js';
import { namingMemorySync } from '../core/out-of-memory.js';
import type { MicroBatch } from '../data/micro-batch.js';
import { initAdapter } from '../lora/adapter.js';
import { merging } from '../lora/merge.js';
import { loadParameters, type ModelFolder } from '../model/load.js';
import { keptName, type ParameterGroup } from '../optim/groups.js';
import type { Shapes } from '../optim/layout.js';
import { clearState, readState, writeState } from '../optim/state.js';
import { compile } from '../program/compile.js';
import type { CompileOptions } from '../program/compile-options.js';
import type { Program } from '../program/program.js';
import { type LoraTraining, loraSpec } from './lora-spec.js';
import { lossesByRow, lossFeeds } from './loss-feeds.js';
import { type MemoryUse, memoryUses, namingMemory } from './out-of-memory.js';
import { partFeeds, resultOf, type StepParts, scalars, stepParts, trainedTokens } from './step-parts.js';
import type { NamedTensors, Tuner } from './tuner.js';

/** What a LoRA tuner is made of. */
export interface LoraTunerOptions extends LoraTraining {
  readonly backend: Backend;
  readonly model: ModelFolder;
  /** How it runs; shapes of its entries' inputs are those of `inputShapes`. */
  readonly compile: CompileOptions;
}

/** What the optimizer keeps of a parameter, in the order of its files. */
const MOMENTS = ['exp_avg', 'exp_avg_sq'] as const;

/** A tuner, the program it runs on, and where in the program's variables each trained matrix is. */
export interface LoraTuner {
  readonly tuner: Tuner;
  /** What its steps of several micro-batches are made of. */
  readonly parts: StepParts;
  readonly program: Program;
  readonly groups: readonly ParameterGroup[];
}

/**
 * A tuner of a base model with a LoRA adapter. Nothing is loaded yet: call `loadBase`, then `reset` or `write`
 * the adapter and the optimizer.
 */
export async function loraTuner(options: LoraTunerOptions): Promise<LoraTuner> {
  const { backend, model, lora } = options;
  const { spec, trainable, groups } = loraSpec(model.config, options);
  const uses = memoryUses({
    gradientCheckpointing: options.gradientCheckpointing ?? false,
    loadIn16bit: options.compile.loadIn16bit,
    loadIn8bit: options.compile.loadIn8bit,
    loadIn4bit: options.compile.loadIn4bit,
  });
  const program = await namingMemory(uses.compile(), () => compile(spec, options.compile));
  // Where shapes are given and none for `trainStep`, a single batch takes the entries that are compiled.
  const whole = options.compile?.shapes?.trainStep?.length !== 0;
  const moments = [...trainable].flatMap(([name, shape]) =>
    MOMENTS.map((moment) => [keptName(moment, name), shape] as const),
  );
  const shapes = { adapter: trainable, optimizer: new Map(moments) };
  const parts = stepParts(program, groups, uses);
  const tuner: Tuner = {
    step: stepper({ program, parts, whole, use: uses.step }),
    evaluate: (batch) =>
      namingMemory(uses.evaluate(batch), async () => {
        const { losses } = await program.run('evalLoss', lossFeeds(batch, 1), ['losses']);
        return lossesByRow(batch, losses!);
      }),
    read: (what) => namingMemory(uses.read(), () => readState(program, groups, shapes[what].keys())),
    write(what, tensors) {
      checkNames(what, shapes[what], tensors);
      const kinds = what === 'adapter' ? (['value'] as const) : MOMENTS;
      namingMemorySync(uses.adapter(), () => writeState(program, groups, kinds, tensors));
    },
    reset(what, seed) {
      namingMemorySync(uses.adapter(), () => {
        if (what === 'adapter') writeState(program, groups, ['value'], new Map(initAdapter(trainable, seed)));
        else clearState(program, groups, [...MOMENTS, 'grad']);
      });
    },
    loadBase: (merged) =>
      namingMemory(uses.load(), () =>
        loadParameters(program, model, merging(merged.map((tensors) => ({ options: lora, tensors })))),
      ),
    memory: () => backend.memory(),
    dispose: () => program.dispose(),
  };
  return { tuner, parts, program, groups };
}

/** What steps are made with. */
interface Stepping {
  readonly program: Program;
  readonly parts: StepParts;
  /** True where a single batch is a step by itself. */
  readonly whole: boolean;
  use(batch?: MicroBatch): MemoryUse;
}

/** Makes optimizer steps. One that failed halfway leaves a sum of gradients, which the next one clears. */
function stepper({ program, parts, whole, use }: Stepping): Tuner['step'] {
  let halfway = false;
  return async (batches, inputs) => {
    const trained = trainedTokens(batches);
    const { seed, learningRate, step, lossLimit } = inputs;
    if (whole && batches.length === 1) {
      const [batch] = batches as [MicroBatch];
      const feeds = { ...partFeeds(batch, { trained, seed, index: 0 }), ...scalars({ learningRate, step, lossLimit }) };
      const done = await namingMemory(use(batch), () => program.run('trainStep', feeds, ['loss', 'gradNorm']));
      return resultOf(done.loss!.data[0]!, done.gradNorm!.data[0]!, inputs);
    }
    if (halfway) parts.clearSum();
    halfway = true;
    let loss = 0;
    for (const [index, batch] of batches.entries()) loss += await parts.accumulate(batch, { trained, seed, index });
    const result = await parts.apply(loss, inputs);
    halfway = false;
    return result;
  };
}

function checkNames(what: string, expected: Shapes, tensors: NamedTensors): void {
  for (const [name, shape] of expected) {
    const given = tensors.get(name);
    if (given?.shape.join() !== shape.join())
      throw dataError(
        `${what}: ${name}: expected shape [${shape.join(', ')}], got ${given ? `[${given.shape.join(', ')}]` : 'no such tensor'}`,
        { tensor: name },
      );
  }
  for (const name of tensors.keys())
    if (!expected.has(name))
      throw dataError(`${what}: ${name}: unexpected tensor; the model has no place for it`, { tensor: name });
}
