import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { float32, sizeOf } from '../../src/core/host-tensor.js';
import { random } from '../../src/core/random.js';
import { writeJson } from '../../src/io/atomic.js';
import { writeSafetensors } from '../../src/io/safetensors.js';
import { parseModelConfig } from '../../src/model/config.js';
import { parameterShapes } from '../../src/model/parameters.js';
import { TINY } from './tokens.js';

const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 2048,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
  hidden_act: 'silu',
};

/**
 * Writes a Llama of 16 hidden units with random weights, times `scale`, and the tiny tokenizer: a
 * whole model folder in 150 kB. `changes` are put into its config.json.
 */
export async function writeTinyModel(
  folder: string,
  scale: (name: string) => number = () => 1,
  changes: object = {},
): Promise<string> {
  const config = { ...CONFIG, ...changes };
  for (const name of ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja'])
    await cp(join(TINY, name), join(folder, name));
  const shapes = parameterShapes(parseModelConfig(config, 'config.json'));
  const tensors = [...shapes].map(([name, shape]) => {
    const { normal } = random(1, name);
    const value = () => scale(name) * (shape.length === 1 ? 1 : 0.2 * normal());
    const { data } = float32(shape, Float32Array.from({ length: sizeOf(shape) }, value));
    return { name, shape, dtype: 'F32' as const, data: data as Float32Array };
  });
  await writeSafetensors(join(folder, 'model.safetensors'), tensors);
  await writeJson(join(folder, 'config.json'), config);
  return folder;
}
