import { join } from 'node:path';
import { sizeOf } from '../core/host-tensor.js';
import { writeJson } from '../io/atomic.js';
import { readJson } from '../io/json.js';
import type { TensorToWrite } from '../io/safetensors.js';
import { companionsOf, copyCompanions, isTokenizerFile } from './companions.js';
import type { Converted, ModelImportOptions } from './import-options.js';
import { fileDtype, writeWeights } from './import-weights.js';
import { openModelFolder } from './load.js';
import { parameterShapes } from './parameters.js';

/**
 * Writes a Hugging Face folder again with its weights in another element type; all other files are
 * copied. Throws a data error for a folder that is no Llama or Mistral model, or whose tensors are
 * not those of its config.json.
 */
export async function convertFolder(source: string, folder: string, options: ModelImportOptions): Promise<Converted> {
  const model = await openModelFolder(source);
  try {
    const names = await companionsOf(source, { card: true });
    const kept = options.tokenizer ? names.filter((name) => !isTokenizerFile(name)) : names;
    await copyCompanions(source, folder, kept);
    const json = (await readJson(join(source, 'config.json'))) as Record<string, unknown>;
    const { tie_word_embeddings, vocab_size } = model.config;
    // A head that is not the embedding stays so for programs that go by the field alone.
    const tied = json.tie_word_embeddings === true && { tie_word_embeddings };
    await writeJson(join(folder, 'config.json'), { ...withDtype(json, options.dtype), ...tied });
    const shapes = [...parameterShapes(model.config)];
    const scratch = new Float32Array(shapes.reduce((most, [, shape]) => Math.max(most, sizeOf(shape)), 0));
    const tensors = shapes.map(([name, shape]): TensorToWrite => {
      const data = async () => (await model.read(name, { scratch })).data;
      return { name, dtype: fileDtype(options.dtype), shape, data };
    });
    return { ...(await writeWeights(folder, tensors, options)), rows: vocab_size, warnings: model.warnings };
  } finally {
    await model.close();
  }
}

/** `torch_dtype` is read by every version of transformers, `dtype` only from 4.56 on. */
const withDtype = (config: Record<string, unknown>, dtype: string) => ({
  ...config,
  ...('dtype' in config && { dtype }),
  ...(('torch_dtype' in config || !('dtype' in config)) && { torch_dtype: dtype }),
});
