import { dataError } from '../core/errors.js';
import { shownName } from '../core/shown.js';
import type { Safetensors, TensorInfo } from '../io/safetensors.js';
import type { ModelConfig } from './config.js';
import { parameterShapes } from './parameters.js';

/**
 * Where each parameter of a model is in its files, and the configuration that the files and
 * config.json together make.
 */
export interface StoredWeights {
  readonly config: ModelConfig;
  /** The name in the files of each parameter, by Hugging Face's name, in the files' order. */
  readonly names: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
}

const FLOATS: ReadonlySet<string> = new Set(['F32', 'F16', 'BF16', 'F64']);

/** Buffers that older exports carry along; the values are computed. */
const COMPUTED = /(?:^|\.)rotary_emb\.inv_freq$/;

const [EMBEDDING, HEAD] = ['model.embed_tokens.weight', 'lm_head.weight'];

/**
 * Finds every parameter of config.json in the weights, as transformers does: names may be without
 * `model.` in front, as a decoder without head is saved; of a tied pair either may be there, and
 * where both are and differ they are not tied. Throws a data error that names the tensor where one
 * is missing, has another shape or type, or where there is one that the decoder has no place for.
 */
export async function placeWeights(config: ModelConfig, weights: Safetensors): Promise<StoredWeights> {
  const { tensors } = weights;
  const isBare = !tensors.has(EMBEDDING) && tensors.has('embed_tokens.weight');
  const stored = (name: string) => (isBare ? name.replace(/^model\./, '') : name);
  const [embedding, head] = [stored(EMBEDDING), HEAD];
  if (!config.tie_word_embeddings || !tensors.has(head))
    return { config, names: placed(config, weights, stored), warnings: [] };
  if (!tensors.has(embedding)) {
    const names = placed(config, weights, (name) => (name === EMBEDDING ? head : stored(name)));
    return { config, names, warnings: [] };
  }
  const untied = { ...config, tie_word_embeddings: false };
  const names = placed(untied, weights, stored);
  if (!(await weights.same(embedding, head)))
    return {
      config: untied,
      names,
      warnings: [
        `${tensors.get(head)!.file}: ${head} differs from the embedding, though config.json has tie_word_embeddings true: the file's head is used, as transformers 5 does; set tie_word_embeddings to false`,
      ],
    };
  return { config, names: new Map([...names].filter(([name]) => name !== HEAD)), warnings: [] };
}

/** The names in the files, checked. */
function placed(config: ModelConfig, weights: Safetensors, stored: (name: string) => string): Map<string, string> {
  const shapes = parameterShapes(config);
  const byStored = new Map<string, string>();
  for (const [name, shape] of shapes) {
    const tensor = weights.tensors.get(stored(name));
    if (!tensor) throw missing(config, weights, name, shape);
    checkTensor(stored(name), tensor, shape);
    byStored.set(stored(name), name);
  }
  for (const [name, { file }] of weights.tensors)
    if (!byStored.has(name) && !COMPUTED.test(name))
      throw wrong(
        file,
        name,
        'unexpected tensor: a Llama or Mistral decoder with this config.json has none of that name',
      );
  return new Map(
    [...weights.tensors.keys()].flatMap((name) => (byStored.has(name) ? [[byStored.get(name)!, name] as const] : [])),
  );
}

function wrong(file: string, tensor: string, problem: string) {
  const name = shownName(tensor);
  return dataError(`${file}: ${name}: ${problem}`, { file, tensor: name });
}

function checkTensor(name: string, { dtype, shape: found, file }: TensorInfo, shape: readonly number[]): void {
  if (!FLOATS.has(dtype))
    throw wrong(
      file,
      name,
      `expected F32, F16 or BF16 values, got ${dtype}; quantized weights must be exported in one of those`,
    );
  if (found.join() !== shape.join())
    throw wrong(
      file,
      name,
      `expected shape [${shape.join(', ')}] by config.json, got [${found.join(', ')}]; do both come from the same model?`,
    );
}

function missing(config: ModelConfig, weights: Safetensors, name: string, shape: readonly number[]) {
  const file = weights.files[0]!;
  const expected = `expected shape [${shape.join(', ')}], but there is no such tensor`;
  if (name === HEAD && !config.tie_word_embeddings)
    return wrong(
      file,
      name,
      `${expected}; if the model has no head and uses its embedding as one, set tie_word_embeddings to true in config.json, otherwise take the files of the whole model (LlamaForCausalLM)`,
    );
  const end = name.replace(/^model\./, '');
  const other = [...weights.tensors.keys()].find((found) => found.endsWith(`.${end}`) || found === end);
  if (other !== undefined)
    return wrong(
      file,
      name,
      `${expected}; there is ${shownName(other)} instead: save the language model alone, under its names in LlamaForCausalLM`,
    );
  return wrong(file, name, `${expected}; is a shard missing, or config.json of another model?`);
}
