import { join } from 'node:path';
import { dataError } from '../core/errors.js';
import { bfloat16, type HostTensor, sizeOf } from '../core/host-tensor.js';
import { shownName } from '../core/shown.js';
import { exists } from '../io/files.js';
import { toBfloat16 } from '../io/float.js';
import { readJson } from '../io/json.js';
import { ownFile } from '../io/own-files.js';
import { openSafetensors, type TensorInfo } from '../io/safetensors.js';
import type { Program, ProgramSpec, VariableSpec, VariableValue } from '../program/program.js';
import { type ModelConfig, parseModelConfig } from './config.js';
import { checkFinite } from './finite.js';
import { linearShapes, parameterShapes } from './parameters.js';
import { placeWeights } from './stored-weights.js';

/** A model folder in Hugging Face's layout, opened and checked; weights are read on demand. */
export interface ModelFolder {
  readonly path: string;
  readonly config: ModelConfig;
  /** What somebody who uses the folder should know, in plain words. */
  readonly warnings: readonly string[];
  /**
   * Yields every parameter, one by one, in files' order, as float32 or in the type that is asked
   * for: what the file has in bfloat16 comes as it is, other types are rounded. Each value is only
   * good until the next is asked for. A weight that is not a finite number is a data error that
   * names it.
   */
  parameters(
    dtypeOf?: (name: string) => 'float32' | 'bfloat16',
  ): AsyncGenerator<readonly [name: string, value: HostTensor<'float32' | 'bfloat16'>]>;
  close(): Promise<void>;
}

/** A model folder whose files' tensors can be read one by one. */
export interface OpenedModel extends ModelFolder {
  /** What the files have of each parameter, by its name, in files' order. */
  readonly stored: ReadonlyMap<string, TensorInfo>;
  /** One parameter as float32, checked as by `parameters`; `scratch` as for safetensors. */
  read(name: string, options?: { scratch?: Float32Array }): Promise<HostTensor<'float32'>>;
}

/**
 * Opens a model folder and checks config.json and the headers of its weights: every parameter there with its shape, and
 * nothing else. Throws a data error that names the file, the tensor, what was expected and what came.
 */
export async function openModelFolder(path: string): Promise<OpenedModel> {
  const hasAdapter = exists(join(path, ADAPTER_CONFIG));
  if (hasAdapter && !exists(join(path, 'config.json'))) throw await adapterInstead(path);
  // The weights first: for a folder with only pickled ones the error says so, whatever else is missing.
  const weights = await openSafetensors(path);
  try {
    const configFile = await ownFile(path, 'config.json');
    if (!configFile)
      throw dataError(`${path}: no config.json in it; expected a Hugging Face model folder`, { file: path });
    const given = parseModelConfig(await readJson(configFile), configFile);
    const { config, names, warnings } = await placeWeights(given, weights);
    const stored = new Map([...names].map(([name, inFile]) => [name, weights.tensors.get(inFile)!]));
    const checked = <T extends HostTensor<'float32'> | HostTensor<'bfloat16'>>(name: string, value: T): T => {
      checkFinite(stored.get(name)!.file, names.get(name)!, value);
      return value;
    };
    const read = async (name: string, options?: { scratch?: Float32Array }) =>
      checked(name, (await weights.read(names.get(name) ?? name, options)) as HostTensor<'float32'>);
    const readBfloat16 = async (name: string, options: { scratch: Uint16Array }) =>
      checked(name, await weights.readBfloat16(names.get(name)!, options));
    return {
      path,
      config,
      warnings: hasAdapter ? [...warnings, adapterBeside(path)] : warnings,
      stored,
      read,
      parameters: (dtypeOf = () => 'float32') => stream({ config, stored, read, readBfloat16 }, dtypeOf),
      close: () => weights.close(),
    };
  } catch (error) {
    await weights.close();
    throw error;
  }
}

const ADAPTER_CONFIG = 'adapter_config.json';

/** transformers applies an adapter in a model folder to the model without being asked. */
const adapterBeside = (path: string): string =>
  `${path}: there is an adapter in the model folder (${ADAPTER_CONFIG}), which transformers would apply: the model is used without it; give the folder as the adapter, too, to apply it`;

async function adapterInstead(path: string) {
  const { base_model_name_or_path: base } = (await readJson(join(path, ADAPTER_CONFIG))) as Record<string, unknown>;
  const model = typeof base === 'string' && base !== '' ? `its base model (${shownName(base)})` : 'its base model';
  return dataError(
    `${path}: this is an adapter (${ADAPTER_CONFIG}), not a model; give ${model} as the model and this folder as the adapter`,
    { file: path },
  );
}

interface Reading extends Pick<OpenedModel, 'config' | 'stored' | 'read'> {
  readBfloat16(name: string, options: { scratch: Uint16Array }): Promise<HostTensor<'bfloat16'>>;
}

async function* stream(
  { config, stored, read, readBfloat16 }: Reading,
  dtypeOf: (name: string) => 'float32' | 'bfloat16',
): ReturnType<ModelFolder['parameters']> {
  const shapes = parameterShapes(config);
  const bytes = [...shapes].map(([name, shape]) => sizeOf(shape) * (dtypeOf(name) === 'bfloat16' ? 2 : 4));
  const buffer = new ArrayBuffer(Math.ceil(bytes.reduce((most, n) => Math.max(most, n), 0) / 4) * 4);
  const [whole, half] = [new Float32Array(buffer), new Uint16Array(buffer)];
  for (const name of stored.keys())
    if (dtypeOf(name) === 'bfloat16') yield [name, await readBfloat16(name, { scratch: half })];
    else yield [name, await read(name, { scratch: whole })];
}

/**
 * Variables of a program that holds the model's parameters, frozen. The weights of projections
 * inside the layers may be held in 8 or 4 bits; not the embedding, whose rows are looked up, nor the
 * head, which may be the same matrix and decides between tokens.
 */
export function modelVariables(config: ModelConfig): ProgramSpec {
  const variables: Record<string, VariableSpec> = {};
  for (const [name, shape] of parameterShapes(config)) variables[name] = { shape, dtype: 'float32', role: 'frozen' };
  for (const name of linearShapes(config).keys()) {
    const weight = `${name}.weight`;
    variables[weight] = { ...variables[weight]!, quantizable: true };
  }
  return { variables, entries: {} };
}

/** What to do to a parameter, in place, before it is written; undefined where it is left as it is. */
export type ParameterChange = (name: string) => ((value: HostTensor<'float32'>) => void) | undefined;

/**
 * Copies a model's parameters into a program, each in the type that the program holds it in: besides the program the
 * largest is in memory. What `change` changes is read as float32, changed, and rounded last, once.
 */
export async function loadParameters(
  program: Pick<Program, 'holds' | 'load'>,
  model: ModelFolder,
  change: ParameterChange = () => undefined,
): Promise<void> {
  await program.load(heldParameters(program, model, change));
}

async function* heldParameters(
  program: Pick<Program, 'holds'>,
  model: ModelFolder,
  change: ParameterChange,
): AsyncGenerator<VariableValue> {
  const rounds = (name: string) => program.holds(name) === 'bfloat16';
  const read = (name: string) => (rounds(name) && !change(name) ? 'bfloat16' : 'float32');
  for await (const [name, value] of model.parameters(read)) {
    if (value.dtype === 'bfloat16') {
      yield [name, value];
      continue;
    }
    change(name)?.(value);
    yield [name, rounds(name) ? roundedInPlace(value) : value];
  }
}

const roundedInPlace = ({ shape, data }: HostTensor<'float32'>): HostTensor<'bfloat16'> =>
  bfloat16(shape, toBfloat16(data, new Uint16Array(data.buffer, data.byteOffset, data.length)));
