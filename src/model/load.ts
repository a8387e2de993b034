import { dataError } from '../core/errors.js';
import { type HostTensor, sizeOf } from '../core/host-tensor.js';
import { readJson } from '../io/json.js';
import { openSafetensors, type Safetensors } from '../io/safetensors.js';
import type { Program, ProgramSpec, VariableSpec } from '../program/program.js';
import { writeGroups } from '../program/write-groups.js';
import { type ModelConfig, parseModelConfig } from './config.js';
import { parameterShapes } from './parameters.js';

/** A model folder in Hugging Face's layout, opened and checked; weights are read on demand. */
export interface ModelFolder {
  readonly path: string;
  readonly config: ModelConfig;
  /** Yields every parameter as float32, one at a time, in files' order: each value is only good until the next is asked for. */
  parameters(): AsyncGenerator<readonly [name: string, value: HostTensor]>;
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
  const configFile = `${path}/config.json`;
  const config = parseModelConfig(await readJson(configFile), configFile);
  const weights = await openSafetensors(path);
  try {
    checkTensors(config, weights);
  } catch (error) {
    await weights.close();
    throw error;
  }
  return { path, config, parameters: () => stream(config, weights), close: () => weights.close() };
}

async function* stream(
  config: ModelConfig,
  weights: Safetensors,
): AsyncGenerator<readonly [name: string, value: HostTensor]> {
  const shapes = parameterShapes(config);
  const largest = Math.max(...[...shapes.values()].map(sizeOf));
  const scratch = new Float32Array(largest);
  for (const name of weights.tensors.keys()) if (shapes.has(name)) yield [name, await weights.read(name, { scratch })];
}

/** Variables of a program that holds the model's parameters, frozen or trained. */
export function modelVariables(config: ModelConfig, role: 'frozen' | 'trainable' = 'frozen'): ProgramSpec {
  const variables: Record<string, VariableSpec> = {};
  for (const [name, shape] of parameterShapes(config)) variables[name] = { shape, dtype: 'float32', role };
  return { variables, entries: {} };
}

/** Copies a model's parameters into a program: besides the program the largest and one group are in memory. */
export async function loadParameters(program: Program, model: ModelFolder): Promise<void> {
  await writeGroups(program, model.parameters());
}

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
    throw dataError(`${file}: ${tensor}: ${problem}`, { file, tensor });
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
