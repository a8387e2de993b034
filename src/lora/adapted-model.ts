import type { ModelConfig } from '../model/config.js';
import { type Linear, linear } from '../model/linear.js';
import { loadParameters, type ModelFolder, modelVariables } from '../model/load.js';
import { linearShapes } from '../model/parameters.js';
import { compile } from '../program/compile.js';
import type { CompileOptions } from '../program/compile-options.js';
import { joinSpecs, type Program, type ProgramSpec, type VariableSpec } from '../program/program.js';
import { adapterSpecs } from './adapter.js';
import { loraLinear } from './apply.js';
import { readAdapter } from './peft-files.js';

/**
 * A program over a model's weights, loaded and frozen, with an adapter folder's matrices where one is named. `entries`
 * says what the program can do, given the projection to do it with. Throws data errors of the adapter's files.
 */
export async function adaptedModel(
  model: ModelFolder,
  adapterFolder: string | undefined,
  entries: (config: ModelConfig, linear: Linear) => ProgramSpec,
  options: CompileOptions,
): Promise<Program> {
  const linears = linearShapes(model.config);
  const adapter = adapterFolder === undefined ? undefined : await readAdapter(adapterFolder, linears);
  const projection = adapter ? loraLinear(adapter.options) : linear;
  const matrices: Record<string, VariableSpec> = {};
  if (adapter)
    for (const [name, shape] of adapterSpecs(linears, adapter.options))
      matrices[name] = { shape, dtype: 'float32', role: 'frozen' };
  const spec = joinSpecs(
    modelVariables(model.config),
    { variables: matrices, entries: {} },
    entries(model.config, projection),
  );
  const program = await compile(spec, options);
  await loadParameters(program, model);
  if (adapter) program.write(adapter.tensors);
  return program;
}
