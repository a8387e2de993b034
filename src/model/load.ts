import { dataError } from '../core/errors.js';
import { bfloat16, type HostTensor, sizeOf } from '../core/host-tensor.js';
import { shownName } from '../core/shown.js';
import { toBfloat16 } from '../io/float.js';
import { readJson } from '../io/json.js';
import { ownFile } from '../io/own-files.js';
import { openSafetensors, type Safetensors } from '../io/safetensors.js';
import type { Program, ProgramSpec, VariableSpec, VariableValue } from '../program/program.js';
import { type ModelConfig, parseModelConfig } from './config.js';
import { linearShapes, parameterShapes } from './parameters.js';

/** A model folder in Hugging Face's layout, opened and checked; weights are read on demand. */
export interface ModelFolder {
  readonly path: string;
  readonly config: ModelConfig;
  /**
   * Yields every parameter, one at a time, in files' order, as float32 or in the type that is asked for: what the file has in
   * bfloat16 comes as it is, other types are rounded. Each value is only good until the next is asked for.
   */
  parameters(
    dtypeOf?: (name: string) => 'float32' | 'bfloat16',
  ): AsyncGenerator<readonly [name: string, value: HostTensor<'float32' | 'bfloat16'>]>;
  close(): Promise<void>;
}

const FLOATS: ReadonlySet<string> = new Set(['F32', 'F16', 'BF16', 'F64']);

/** Buffers that older exports carry along; the values are computed. */
const COMPUTED = /\.rotary_emb\.inv_freq$/;

/**
 * Opens a model folder and checks config.json and the headers of its weights: every parameter there with its shape, and
 * nothing else. Throws a data error that names the file, the tensor, what was expected and what came.
 */
export async function openModel(path: string): Promise<ModelFolder> {
  // The weights first: a folder that has only pickled ones is told so, whatever else it lacks.
  const weights = await openSafetensors(path);
  try {
    const configFile = await ownFile(path, 'config.json');
    if (!configFile)
      throw dataError(`${path}: no config.json in it; expected a Hugging Face model folder`, { file: path });
    const config = parseModelConfig(await readJson(configFile), configFile);
    checkTensors(config, weights);
    return {
      path,
      config,
      parameters: (dtypeOf = () => 'float32') => stream(config, weights, dtypeOf),
      close: () => weights.close(),
    };
  } catch (error) {
    await weights.close();
    throw error;
  }
}

async function* stream(
  config: ModelConfig,
  weights: Safetensors,
  dtypeOf: (name: string) => 'float32' | 'bfloat16',
): ReturnType<ModelFolder['parameters']> {
  const shapes = parameterShapes(config);
  const bytes = [...shapes].map(([name, shape]) => sizeOf(shape) * (dtypeOf(name) === 'bfloat16' ? 2 : 4));
  const buffer = new ArrayBuffer(Math.ceil(bytes.reduce((most, n) => Math.max(most, n), 0) / 4) * 4);
  const [whole, half] = [new Float32Array(buffer), new Uint16Array(buffer)];
  for (const name of weights.tensors.keys()) {
    if (!shapes.has(name)) continue;
    if (dtypeOf(name) === 'bfloat16') yield [name, await weights.readBfloat16(name, { scratch: half })];
    else yield [name, (await weights.read(name, { scratch: whole })) as HostTensor<'float32'>];
  }
}

/**
 * Variables of a program that holds the model's parameters, frozen. The weights of projections inside the layers may be held in 8
 * bits; not the embedding, of which rows are taken, nor the head, which may be the same and decides between tokens.
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

/** Throws a data error when the tokenizer knows tokens that the embedding has no row for. */
export function checkVocabulary(model: ModelFolder, tokenizerSize: number): void {
  const rows = model.config.vocab_size;
  if (tokenizerSize > rows)
    throw dataError(
      `${model.path}: the tokenizer has ${tokenizerSize} tokens, but the embedding has ${rows} rows (vocab_size); ` +
        'take tokenizer.json and the weights from the same model',
      { file: model.path, expected: rows, actual: tokenizerSize },
    );
}

function checkTensors(config: ModelConfig, weights: Safetensors): void {
  const expected = parameterShapes(config);
  const fail = (tensor: string, problem: string, file = weights.files[0]!) => {
    const name = shownName(tensor);
    throw dataError(`${file}: ${name}: ${problem}`, { file, tensor: name });
  };
  for (const [name, shape] of expected) {
    const found = weights.tensors.get(name);
    if (!found) {
      fail(
        name,
        `expected shape [${shape.join(', ')}], but there is no such tensor; is a shard missing, or config.json of another model?`,
      );
      continue;
    }
    if (!FLOATS.has(found.dtype))
      fail(
        name,
        `expected F32, F16 or BF16 values, got ${found.dtype}; quantized weights must be exported in one of those`,
        found.file,
      );
    if (found.shape.join() !== shape.join())
      fail(
        name,
        `expected shape [${shape.join(', ')}] by config.json, got [${found.shape.join(', ')}]; do both come from the same model?`,
        found.file,
      );
  }
  for (const [name, { file }] of weights.tensors)
    if (!expected.has(name) && !COMPUTED.test(name) && !(name === 'lm_head.weight' && config.tie_word_embeddings))
      fail(name, 'unexpected tensor: a Llama or Mistral decoder with this config.json has none of that name', file);
}
