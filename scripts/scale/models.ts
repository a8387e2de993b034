import { shapeConfig } from '../../src/bench/shapes.js';
import { type ModelConfig, parseModelConfig } from '../../src/model/config.js';

/** A model of the page, with its sizes as its config.json has them. */
export interface ScaledModel {
  readonly name: string;
  readonly config: ModelConfig;
}

const llama = (name: string, sizes: Readonly<Record<string, number | boolean>>): ScaledModel => ({
  name,
  config: parseModelConfig({ model_type: 'llama', ...sizes }, name),
});

/** From the smallest to the largest. */
export const MODELS: readonly ScaledModel[] = [
  { name: 'SmolLM2-135M', config: shapeConfig({ shape: 'smollm2-135m' }) },
  { name: 'TinyLlama-1.1B', config: shapeConfig({ shape: 'tinyllama-1.1b' }) },
  llama('Llama-3.2-3B', {
    ...{ hidden_size: 3072, num_hidden_layers: 28, num_attention_heads: 24, num_key_value_heads: 8 },
    ...{ intermediate_size: 8192, vocab_size: 128256, tie_word_embeddings: true },
  }),
  { name: 'Llama-3.1-8B', config: shapeConfig({ shape: 'llama-3-8b' }) },
  llama('Llama-2-13B', {
    ...{ hidden_size: 5120, num_hidden_layers: 40, num_attention_heads: 40, num_key_value_heads: 40 },
    ...{ intermediate_size: 13824, vocab_size: 32000, tie_word_embeddings: false },
  }),
  llama('Llama-3.1-70B', {
    ...{ hidden_size: 8192, num_hidden_layers: 80, num_attention_heads: 64, num_key_value_heads: 8 },
    ...{ intermediate_size: 28672, vocab_size: 128256, tie_word_embeddings: false },
  }),
];
