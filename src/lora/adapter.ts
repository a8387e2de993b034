import { float32, type HostTensor, sizeOf } from '../core/host-tensor.js';
import { random } from '../core/random.js';
import type { LinearShape } from '../model/parameters.js';
import { type LoraOptions, scalingOf } from './options.js';
import { targetModules } from './targets.js';

/** Adapter matrices by PEFT's file names. */
export type AdapterTensors = ReadonlyMap<string, HostTensor>;

/** A LoRA adapter in host memory. */
export interface Adapter {
  readonly options: LoraOptions;
  readonly tensors: AdapterTensors;
}

/** Linear projections of a model by module name. */
export type Linears = ReadonlyMap<string, Pick<LinearShape, 'outputs' | 'inputs'>>;

const PREFIX = 'base_model.model.';

/** Names of a module's two matrices in PEFT's files: A [R, inputs] and B [outputs, R]. */
export const matrixNames = (module: string): { readonly a: string; readonly b: string } => ({
  a: `${PREFIX}${module}.lora_A.weight`,
  b: `${PREFIX}${module}.lora_B.weight`,
});

/** Name of several modules' A matrices in one, one below the other: [modules * R, inputs]. */
export const stackName = (modules: readonly string[]): string =>
  modules.map((module) => matrixNames(module).a).join(' + ');

/** The module that a matrix belongs to; the other way round than {@link matrixNames}. Undefined for any other name. */
export const moduleOf = (matrix: string): string | undefined =>
  /^base_model\.model\.(.+)\.lora_[AB]\.weight$/.exec(matrix)?.[1];

/**
 * Shapes of an adapter's matrices by PEFT's file names, A before B, in the model's order. Throws a usage error for
 * targets that the model does not have.
 */
export function adapterSpecs(
  linears: Linears,
  options: Pick<LoraOptions, 'rank' | 'targets'>,
): Map<string, readonly number[]> {
  const specs = new Map<string, readonly number[]>();
  for (const module of targetModules(linears.keys(), options.targets)) {
    const { outputs, inputs } = linears.get(module)!;
    const { a, b } = matrixNames(module);
    specs.set(a, [options.rank, inputs]);
    specs.set(b, [outputs, options.rank]);
  }
  return specs;
}

/**
 * The A matrices that are multiplied with the same input, by the name of their stack; `inputs` are
 * groups of modules that share one.
 */
export function adapterStacks(
  specs: ReadonlyMap<string, readonly number[]>,
  inputs: readonly (readonly string[])[],
): Map<string, readonly string[]> {
  const groups = inputs.map((modules) => modules.filter((module) => specs.has(matrixNames(module).a)));
  return new Map(
    groups
      .filter((modules) => modules.length > 1)
      .map((modules) => [stackName(modules), modules.map((module) => matrixNames(module).a)]),
  );
}

/**
 * Values of a fresh adapter, tensor by tensor, as PEFT begins: A uniform in +-1/sqrt(inputs) (Kaiming with a = sqrt 5),
 * B zero. Each matrix has its own random numbers, from the seed and its name.
 */
export function* initAdapter(
  specs: ReadonlyMap<string, readonly number[]>,
  seed: number,
): Generator<readonly [name: string, value: HostTensor]> {
  for (const [name, shape] of specs) {
    const data = new Float32Array(sizeOf(shape));
    if (name.endsWith('.lora_A.weight')) {
      const bound = 1 / Math.sqrt(shape[1]!);
      const { uniform } = random(seed, 'lora', name);
      for (let i = 0; i < data.length; i++) data[i] = (2 * uniform() - 1) * bound;
    }
    yield [name, float32(shape, data)];
  }
}

/**
 * One adapter that does what all of these do together: their matrices stacked along the rank, each scale folded into B,
 * so that the result has scale 1. A module that only some adapt gets zeros for the others. Dropout is the last one's.
 */
export function concatenateAdapters(adapters: readonly Adapter[], linears: Linears): Adapter {
  const rank = adapters.reduce((sum, { options }) => sum + options.rank, 0);
  const sets = adapters.map(({ options }) => new Set(targetModules(linears.keys(), options.targets)));
  const modules = [...linears.keys()].filter((module) => sets.some((set) => set.has(module)));
  const targets = modules.length === linears.size ? ('all-linear' as const) : modules;
  const tensors = new Map<string, HostTensor>();
  for (const module of modules) {
    const { outputs, inputs } = linears.get(module)!;
    const names = matrixNames(module);
    const a = new Float32Array(rank * inputs);
    const b = new Float32Array(outputs * rank);
    let from = 0;
    for (const { options, tensors: given } of adapters) {
      const [oneA, oneB] = [given.get(names.a)?.data, given.get(names.b)?.data];
      if (oneA) a.set(oneA, from * inputs);
      const scale = scalingOf(options);
      if (oneB)
        for (let o = 0; o < outputs; o++)
          for (let r = 0; r < options.rank; r++) b[o * rank + from + r] = oneB[o * options.rank + r]! * scale;
      from += options.rank;
    }
    tensors.set(names.a, float32([rank, inputs], a));
    tensors.set(names.b, float32([outputs, rank], b));
  }
  return {
    options: { rank, alpha: rank, dropout: adapters.at(-1)?.options.dropout ?? 0, targets, rsLora: false },
    tensors,
  };
}
