import type { ModelConfig } from './config.js';

/**
 * A linear projection: weight [outputs, inputs] under `<name>.weight`, bias [outputs] under
 * `<name>.bias` if it has one.
 */
export interface LinearShape {
  readonly outputs: number;
  readonly inputs: number;
  readonly bias: boolean;
}

/** Name prefix of a decoder layer. */
export const layerName = (index: number): string => `model.layers.${index}`;

/** Name of the matrix that turns the last hidden states into logits: the embedding itself when they are tied. */
export const headName = (config: ModelConfig): string =>
  config.tie_word_embeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';

/** The linear projections inside the decoder's layers by module name, in order; the head is not among them. */
export function linearShapes(config: ModelConfig): Map<string, LinearShape> {
  const { hidden_size: d, intermediate_size: f, attention_bias, mlp_bias, head_dim: h } = config;
  const q = config.num_attention_heads * h;
  const kv = config.num_key_value_heads * h;
  const shapes = new Map<string, LinearShape>();
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const add = (name: string, outputs: number, inputs: number, bias: boolean) =>
      shapes.set(`${layerName(i)}.${name}`, { outputs, inputs, bias });
    add('self_attn.q_proj', q, d, attention_bias);
    add('self_attn.k_proj', kv, d, attention_bias);
    add('self_attn.v_proj', kv, d, attention_bias);
    add('self_attn.o_proj', d, q, attention_bias);
    add('mlp.gate_proj', f, d, mlp_bias);
    add('mlp.up_proj', f, d, mlp_bias);
    add('mlp.down_proj', d, f, mlp_bias);
  }
  return shapes;
}

/** The linear projections by what they are applied to: those of a group take the same input. */
export const linearGroups = (config: ModelConfig): string[][] =>
  Array.from({ length: config.num_hidden_layers }, (_, i) =>
    SAME_INPUT.map((group) => group.map((name) => `${layerName(i)}.${name}`)),
  ).flat();

const SAME_INPUT = [
  ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'],
  ['self_attn.o_proj'],
  ['mlp.gate_proj', 'mlp.up_proj'],
  ['mlp.down_proj'],
] as const;

/** Every parameter's shape by its Hugging Face name. */
export function parameterShapes(config: ModelConfig): Map<string, readonly number[]> {
  const { vocab_size: v, hidden_size: d } = config;
  const shapes = new Map<string, readonly number[]>([['model.embed_tokens.weight', [v, d]]]);
  const linears = linearShapes(config);
  for (const [name, { outputs, inputs, bias }] of linears) {
    shapes.set(`${name}.weight`, [outputs, inputs]);
    if (bias) shapes.set(`${name}.bias`, [outputs]);
  }
  for (let i = 0; i < config.num_hidden_layers; i++) {
    shapes.set(`${layerName(i)}.input_layernorm.weight`, [d]);
    shapes.set(`${layerName(i)}.post_attention_layernorm.weight`, [d]);
  }
  shapes.set('model.norm.weight', [d]);
  if (!config.tie_word_embeddings) shapes.set('lm_head.weight', [v, d]);
  return shapes;
}
