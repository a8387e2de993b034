import { join } from 'node:path';
import { PhasetuneError } from '../core/errors.js';
import { sizeOf } from '../core/host-tensor.js';
import { writeFolderAtomic, writeJson } from '../io/atomic.js';
import { listFolder } from '../io/files.js';
import { readJson } from '../io/json.js';
import { copyOwnFile } from '../io/own-files.js';
import {
  openSafetensors,
  type SafetensorsDtype,
  type TensorToWrite,
  writeShardedSafetensors,
} from '../io/safetensors.js';
import { openModel } from '../model/load.js';
import { linearShapes, parameterShapes } from '../model/parameters.js';
import { mergeInto } from './merge.js';
import { readAdapter } from './peft-files.js';

/** Element type of a merged model's files; `auto` keeps what each tensor has in the base. */
export type MergeDtype = 'auto' | 'float32' | 'bfloat16' | 'float16';

/** What {@link mergeAdapter} wrote. */
export interface MergeResult {
  readonly files: readonly string[];
  readonly tensors: number;
  /** Weights that the adapter changed. */
  readonly merged: number;
}

const DTYPES = { float32: 'F32', bfloat16: 'BF16', float16: 'F16' } as const;

/** What belongs to a model besides its weights: configuration, tokenizer, chat template, licence. */
const COMPANION = /(?<!safetensors\.index)\.(json|jinja|model|txt)$|^(LICENSE|NOTICE|USE_POLICY)/i;

/**
 * Writes a Hugging Face folder whose weights are the base's with the adapter added, in float32 rounded once to `dtype`.
 * Weights stream through, one at a time; the folder appears whole or not at all. Throws data errors of the model's and the
 * adapter's files, and a usage error when `out` has files in it.
 */
export async function mergeAdapter(
  modelFolder: string,
  adapterFolder: string,
  out: string,
  options: { dtype?: MergeDtype; onTensor?: (done: number, total: number) => void; signal?: AbortSignal } = {},
): Promise<MergeResult> {
  const { dtype = 'auto', onTensor, signal } = options;
  const model = await openModel(modelFolder);
  await model.close();
  const { config } = model;
  const adapter = await readAdapter(adapterFolder, linearShapes(config));
  const weights = await openSafetensors(modelFolder);
  try {
    const shapes = parameterShapes(config);
    const names = [...weights.tensors.keys()].filter((name) => shapes.has(name));
    const scratch = new Float32Array([...shapes.values()].reduce((most, shape) => Math.max(most, sizeOf(shape)), 0));
    const tensors = names.map((name, done): TensorToWrite => {
      const { shape, dtype: given } = weights.tensors.get(name)!;
      const data = async () => {
        if (signal?.aborted) throw new PhasetuneError('interrupted', `interrupted; nothing was written to ${out}`);
        const weight = await weights.read(name, { scratch });
        mergeInto(name, weight, adapter);
        onTensor?.(done + 1, names.length);
        return weight.data;
      };
      return { name, shape, dtype: dtype === 'auto' ? keptDtype(given) : DTYPES[dtype], data };
    });
    const files = await writeFolderAtomic(out, async (folder) => {
      const written = await writeShardedSafetensors(folder, tensors);
      return [...written, ...(await copyCompanions(modelFolder, folder, dtype))];
    });
    return { files, tensors: names.length, merged: adapter.tensors.size / 2 };
  } finally {
    await weights.close();
  }
}

const keptDtype = (given: SafetensorsDtype): SafetensorsDtype => (given === 'F64' ? 'F32' : given);

async function copyCompanions(from: string, to: string, dtype: MergeDtype): Promise<string[]> {
  const names = (await listFolder(from)).filter((name) => COMPANION.test(name) && !name.startsWith('adapter_'));
  for (const name of names) await copyOwnFile(from, name, to);
  if (dtype !== 'auto') {
    const { torch_dtype: _old, ...config } = (await readJson(join(from, 'config.json'))) as Record<string, unknown>;
    // transformers reads `torch_dtype` in every version, `dtype` only since its fifth.
    await writeJson(join(to, 'config.json'), {
      ...config,
      ...('dtype' in config ? { dtype } : {}),
      torch_dtype: dtype,
    });
  }
  return names;
}
