import type { HostTensor } from '../core/host-tensor.js';
import type { ModelConfig } from '../model/config.js';
import { type Linear, linear } from '../model/linear.js';
import { loadParameters, type ModelFolder, modelVariables } from '../model/load.js';
import { linearGroups, linearShapes } from '../model/parameters.js';
import { fromVector, stackedLayouts, toVector } from '../optim/layout.js';
import { compile } from '../program/compile.js';
import type { Attention, CompileOptions } from '../program/compile-options.js';
import { joinSpecs, type Program, type ProgramSpec, type VariableSpec } from '../program/program.js';
import { type Adapter, adapterSpecs, adapterStacks } from './adapter.js';
import { loraLinear } from './apply.js';
import { scalingOf } from './options.js';
import { readAdapter } from './peft-files.js';

/** What a program can do, given the model's projection and how its attention is worked out. */
export type Entries = (config: ModelConfig, linear: Linear, attention?: Attention) => ProgramSpec;

/**
 * A program over a model's weights, loaded and frozen, with an adapter folder's matrices where one
 * is named. `warn` is given what is odd about the adapter's files. Throws data errors of those
 * files.
 */
export async function adaptedModel(
  model: ModelFolder,
  adapterFolder: string | undefined,
  entries: Entries,
  options: CompileOptions,
  warn: (warning: string) => void = () => {},
): Promise<Program> {
  const adapter =
    adapterFolder === undefined ? undefined : await readAdapter(adapterFolder, linearShapes(model.config));
  for (const warning of adapter?.warnings ?? []) warn(warning);
  return programWithAdapter(model, adapter, entries, options);
}

/** {@link adaptedModel} of an adapter that was read before. */
export async function programWithAdapter(
  model: ModelFolder,
  adapter: Adapter | undefined,
  entries: Entries,
  options: CompileOptions,
): Promise<Program> {
  const projection = adapter ? loraLinear(adapter.options) : linear;
  const matrices = adapter ? adapterValues(adapter, model.config) : new Map<string, HostTensor>();
  const spec = joinSpecs(
    modelVariables(model.config),
    { variables: frozen(matrices), entries: {} },
    entries(model.config, projection, options.attention),
  );
  const program = await compile(spec, options);
  await loadParameters(program, model);
  program.write(matrices);
  return program;
}

/**
 * Adapters of one layout have the same program: it becomes another one's by writing that one's
 * {@link adapterValues}.
 */
export const adapterLayout = (adapter: Adapter | undefined): string =>
  adapter
    ? JSON.stringify([scalingOf(adapter.options), [...adapter.tensors].map(([name, { shape }]) => [name, shape])])
    : 'none';

/**
 * An adapter's matrices as a program holds them, with the A's that are multiplied with the same input in one: then no
 * call puts them together.
 */
export function adapterValues({ options, tensors: matrices }: Adapter, config: ModelConfig): Map<string, HostTensor> {
  const specs = adapterSpecs(linearShapes(config), options);
  const { tensors, pieces } = stackedLayouts(specs, adapterStacks(specs, linearGroups(config)));
  const vector = toVector(tensors, (name) => matrices.get(name));
  return new Map([...pieces.places.keys()].map((name) => [name, fromVector(pieces, vector, name)]));
}

const frozen = (values: ReadonlyMap<string, HostTensor>): Record<string, VariableSpec> =>
  Object.fromEntries([...values].map(([name, { shape, dtype }]) => [name, { shape, dtype, role: 'frozen' } as const]));
