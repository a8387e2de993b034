import { dataError } from '../core/errors.js';
import { type HostTensor, sizeOf } from '../core/host-tensor.js';
import { shownName } from '../core/shown.js';
import type { Gguf } from '../io/gguf.js';
import type { SafetensorsDtype, TensorToWrite } from '../io/safetensors.js';
import { parseModelConfig } from './config.js';
import { checkFinite } from './finite.js';
import type { ConfigJson } from './gguf-config.js';
import { parameterShapes } from './parameters.js';

/** GGUF's name of each module, by Hugging Face's; those of a layer are under `blk.N` and `model.layers.N`. */
const MODULES: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
};
const LAYER_MODULES: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

/** Tensors that carry no weights: rotary frequencies, which go into config.json. */
const NO_WEIGHTS = new Set(['rope_freqs.weight']);

/** GGUF's name for a Hugging Face parameter of Llama or Mistral. */
function ggufName(parameter: string): string {
  const [, layer, inner, kind] = /^(?:model\.layers\.(\d+)\.)?(.*)\.(weight|bias)$/.exec(parameter)!;
  return layer === undefined ? `${MODULES[inner!]}.${kind}` : `blk.${layer}.${LAYER_MODULES[inner!]}.${kind}`;
}

/**
 * The model's parameters under Hugging Face's names and in their order, read one by one when
 * written. A missing, wrongly shaped or unexpected tensor is a data error that names it.
 */
export function weightsFromGguf(gguf: Gguf, file: string, json: ConfigJson, dtype: SafetensorsDtype): TensorToWrite[] {
  const config = parseModelConfig(JSON.parse(JSON.stringify(json)), file);
  const shapes = parameterShapes(config);
  const used = new Set(NO_WEIGHTS);
  for (const [name, shape] of shapes) {
    const source = ggufName(name);
    const tensor = gguf.tensors.get(source);
    const fields = { file, tensor: source };
    if (!tensor)
      throw dataError(`${file}: no tensor ${source} in it, expected [${shape.join(', ')}] for ${name}`, fields);
    if (tensor.shape.join() !== shape.join())
      throw dataError(
        `${file}: tensor ${source}: expected shape [${shape.join(', ')}], found [${tensor.shape.join(', ')}]`,
        fields,
      );
    used.add(source);
  }
  const unexpected = [...gguf.tensors.keys()].find((name) => !used.has(name));
  if (unexpected !== undefined)
    throw dataError(`${file}: unexpected tensor ${shownName(unexpected)}; expected a plain Llama or Mistral model`, {
      file,
      tensor: shownName(unexpected),
    });
  const scratch = new Float32Array([...shapes.values()].reduce((most, shape) => Math.max(most, sizeOf(shape)), 0));
  return [...shapes].map(([name, shape]) => ({
    name,
    dtype,
    shape,
    data: async () => {
      const value = await gguf.read(ggufName(name), { scratch });
      checkFinite(gguf.tensors.get(ggufName(name))!.file, ggufName(name), value as HostTensor<'float32'>);
      const { data } = value;
      const heads = { q_proj: config.num_attention_heads, k_proj: config.num_key_value_heads }[name.split('.').at(-2)!];
      if (heads) unpermuteHeads(data as Float32Array, heads, config.head_dim);
      return data;
    },
  }));
}

/**
 * Undoes, in place, the order in which GGUF keeps the rows of a rotated projection: in each head the two halves that
 * Hugging Face's rotation pairs up alternate there (`permute` in llama.cpp's convert_hf_to_gguf.py). Data is
 * [heads * headDim, columns].
 */
function unpermuteHeads(data: Float32Array, heads: number, headDim: number): void {
  const headSize = data.length / heads;
  const columns = headSize / headDim;
  for (let head = 0; head < heads; head++) {
    const rows = data.subarray(head * headSize, (head + 1) * headSize);
    const from = rows.slice();
    for (let row = 0; row < headDim; row++) {
      const source = row < headDim / 2 ? 2 * row : 2 * (row - headDim / 2) + 1;
      rows.set(from.subarray(source * columns, (source + 1) * columns), row * columns);
    }
  }
}
