import { join } from 'node:path';
import { sizeOf } from '../core/host-tensor.js';
import { writeJson } from '../io/atomic.js';
import { listFolder, makeFolder, statPath } from '../io/files.js';
import { readJson } from '../io/json.js';
import { copyOwnFile } from '../io/own-files.js';
import { openSafetensors, type TensorToWrite } from '../io/safetensors.js';
import type { ImportOptions } from './import-options.js';
import { fileDtype, writeWeights } from './import-weights.js';
import { openModel } from './load.js';
import { parameterShapes } from './parameters.js';

/** What goes along: settings, tokenizer, templates, licence; nothing that holds weights. */
const SIDE_FILE = /(?<!\.index)\.(json|jinja|txt|md|model|tiktoken)$|^(LICENSE|NOTICE|USE_POLICY)/i;

/** Where transformers keeps chat templates besides the default one. */
const TEMPLATES = 'additional_chat_templates';

/**
 * Writes a Hugging Face folder again with its weights in another element type; all other files are copied. Throws a data
 * error for a folder that is no Llama or Mistral model, or whose tensors are not those of its config.json.
 */
export async function convertFolder(
  source: string,
  folder: string,
  options: ImportOptions,
): Promise<{ tensors: number; parameters: number }> {
  const configPath = join(source, 'config.json');
  const { config, close } = await openModel(source);
  await close();
  await copySideFiles(source, folder);
  const json = (await readJson(configPath)) as Record<string, unknown>;
  await writeJson(join(folder, 'config.json'), withDtype(json, options.dtype));
  const weights = await openSafetensors(source);
  try {
    const shapes = [...parameterShapes(config)];
    const scratch = new Float32Array(shapes.reduce((most, [, shape]) => Math.max(most, sizeOf(shape)), 0));
    const tensors = shapes.map(([name, shape]): TensorToWrite => {
      const data = async () => (await weights.read(name, { scratch })).data;
      return { name, dtype: fileDtype(options.dtype), shape, data };
    });
    return await writeWeights(folder, tensors, options);
  } finally {
    await weights.close();
  }
}

async function copySideFiles(from: string, to: string): Promise<void> {
  for (const name of await listFolder(from)) if (SIDE_FILE.test(name)) await copyOwnFile(from, name, to);
  if ((await statPath(join(from, TEMPLATES))).kind !== 'folder') return;
  await makeFolder(join(to, TEMPLATES));
  for (const name of await listFolder(join(from, TEMPLATES))) await copyOwnFile(from, join(TEMPLATES, name), to);
}

/** `torch_dtype` is read by every version of transformers, `dtype` only from 4.56 on. */
const withDtype = (config: Record<string, unknown>, dtype: string) => ({
  ...config,
  ...('dtype' in config && { dtype }),
  ...(('torch_dtype' in config || !('dtype' in config)) && { torch_dtype: dtype }),
});
