import { join } from 'node:path';
import { dataError } from '../core/errors.js';
import { writeJson } from '../io/atomic.js';
import { copyFile, exists, listFolder } from '../io/files.js';
import { readJson } from '../io/json.js';
import {
  openSafetensors,
  type SafetensorsDtype,
  type TensorInfo,
  type TensorToWrite,
  writeShardedSafetensors,
} from '../io/safetensors.js';
import { silentLogger } from '../telemetry/logger.js';
import type { ImportOptions } from './import-options.js';

/** What goes along: settings, tokenizer, templates, licence; nothing that holds weights. */
const SIDE_FILE = /(\.json|\.jinja|\.txt|\.md|\.model|\.tiktoken|LICENSE.*)$/i;
const FLOATS: readonly SafetensorsDtype[] = ['F64', 'F32', 'F16', 'BF16'];

/** Writes a Hugging Face folder again with its weights in another element type; all other files are copied. */
export async function convertFolder(
  source: string,
  folder: string,
  options: ImportOptions,
): Promise<{ tensors: number; parameters: number }> {
  const logger = options.logger ?? silentLogger;
  const configPath = join(source, 'config.json');
  if (!exists(configPath))
    throw dataError(`${source}: no config.json in it; expected a Hugging Face model folder`, { file: source });
  const config = await readJson(configPath);
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw dataError(`${configPath}: expected a JSON object`, { file: configPath });
  const weights = await openSafetensors(source);
  try {
    for (const name of await listFolder(source))
      if (SIDE_FILE.test(name) && name !== 'config.json' && !name.endsWith('.index.json'))
        await copyFile(join(source, name), join(folder, name));
    await writeJson(join(folder, 'config.json'), withDtype(config as Record<string, unknown>, options.dtype));
    const target = options.dtype === 'float32' ? 'F32' : 'BF16';
    const isFloat = (t: TensorInfo) => FLOATS.includes(t.dtype);
    const elements = (t: TensorInfo) => t.shape.reduce((n, d) => n * d, 1);
    const all = [...weights.tensors];
    const scratch = new Float32Array(Math.max(0, ...all.filter(([, t]) => isFloat(t)).map(([, t]) => elements(t))));
    const tensors: TensorToWrite[] = all.map(([name, t]) => ({
      name,
      dtype: isFloat(t) ? target : t.dtype,
      shape: t.shape,
      data: async () => (isFloat(t) ? (await weights.read(name, { scratch })).data : weights.readBytes(name)),
    }));
    const parameters = all.reduce((sum, [, t]) => sum + elements(t), 0);
    logger.info(
      `writing ${tensors.length} tensors, ${(parameters / 1e6).toFixed(1)} million parameters, as ${options.dtype}`,
    );
    await writeShardedSafetensors(folder, tensors, { metadata: { ...weights.metadata } });
    return { tensors: tensors.length, parameters };
  } finally {
    await weights.close();
  }
}

/** The element type under the name that the file uses: `dtype` from transformers 4.56 on, `torch_dtype` before. */
const withDtype = (config: Record<string, unknown>, dtype: string) => ({
  ...config,
  ['dtype' in config ? 'dtype' : 'torch_dtype']: dtype,
});
