import { join } from 'node:path';
import { dataError, PhasetuneError } from '../core/errors.js';
import { sizeOf } from '../core/host-tensor.js';
import { writeFolderAtomic, writeJson } from '../io/atomic.js';
import { readJson } from '../io/json.js';
import { type SafetensorsDtype, type TensorToWrite, writeShardedSafetensors } from '../io/safetensors.js';
import { companionsOf, copyCompanions } from '../model/companions.js';
import { type OpenedModel, openModelFolder } from '../model/load.js';
import { linearShapes, parameterShapes } from '../model/parameters.js';
import type { Adapter } from './adapter.js';
import { ownTokenizerWarnings } from './adapter-folder.js';
import { merging } from './merge.js';
import { readAdapter } from './peft-files.js';
import { type Rounded, roundedChange } from './rounding.js';

/** Element type of a merged model's files; `auto` keeps what each tensor has in the base. */
export type MergeDtype = 'auto' | 'float32' | 'bfloat16' | 'float16';

/** What {@link mergeAdapter} wrote. */
export interface MergeResult {
  readonly files: readonly string[];
  readonly tensors: number;
  /** Tensors whose values in the files are others than without the adapter. */
  readonly merged: number;
  /**
   * How much of the adapter's change rounding took, from 0 (none): the length of the error relative
   * to that of the change.
   */
  readonly lost: number;
  /** What is odd about the files or the result, in plain words. */
  readonly warnings: readonly string[];
}

const DTYPES = { float32: 'F32', bfloat16: 'BF16', float16: 'F16' } as const;

/** From this share on, a word is said about what rounding took. */
const MUCH = 0.1;

/** Greatest numbers that the types hold. */
const GREATEST: Partial<Record<SafetensorsDtype, number>> = { F16: 65504, BF16: 3.3895313892515355e38 };

/**
 * Writes a Hugging Face folder whose weights are the base's with the adapter added, in float32 rounded once to `dtype`.
 * Weights stream through, one by one; the folder appears whole or not at all. Throws data errors of the model's and the
 * adapter's files, and a usage error when `out` has files in it.
 */
export async function mergeAdapter(
  modelFolder: string,
  adapterFolder: string,
  out: string,
  options: { dtype?: MergeDtype; onTensor?: (done: number, total: number) => void; signal?: AbortSignal } = {},
): Promise<MergeResult> {
  const { dtype = 'auto', onTensor, signal } = options;
  const model = await openModelFolder(modelFolder);
  try {
    const adapter = await readAdapter(adapterFolder, linearShapes(model.config));
    const rounded: Rounded[] = [];
    const tensors = mergedTensors(model, adapter, dtype, (done, change) => {
      if (signal?.aborted) throw new PhasetuneError('interrupted', `interrupted; nothing was written to ${out}`);
      if (change) rounded.push(change);
      if (done > 0) onTensor?.(done, model.stored.size);
    });
    const files = await writeFolderAtomic(out, async (folder) => {
      const written = await writeShardedSafetensors(folder, tensors);
      return [...written, ...(await writeCompanions(model, folder, dtype))];
    });
    const [change, error] = (['change', 'error'] as const).map((what) => rounded.reduce((sum, r) => sum + r[what], 0));
    const lost = change! > 0 ? Math.sqrt(error! / change!) : 0;
    return {
      files,
      tensors: tensors.length,
      merged: rounded.filter(({ changed }) => changed).length,
      lost,
      warnings: [
        ...model.warnings,
        ...adapter.warnings,
        ...(await ownTokenizerWarnings(adapterFolder, modelFolder)),
        ...(lost >= MUCH ? [lossWarning(lost)] : []),
      ],
    };
  } finally {
    await model.close();
  }
}

const lossWarning = (lost: number): string =>
  `rounding removed much of the adapter's change: the error is ${lost < 1 ? `${Math.round(100 * lost)} % of the change` : 'as large as the change, or larger'}; only float32 keeps all of it`;

/**
 * The tensors of the result, read and merged when they are written. `watch` is called with 0 before
 * each, and after it with how many are done and what rounding does to the change, where there is
 * one.
 */
function mergedTensors(
  model: OpenedModel,
  adapter: Adapter,
  dtype: MergeDtype,
  watch: (done: number, change?: Rounded) => void,
): TensorToWrite[] {
  const shapes = [...parameterShapes(model.config).values()];
  const scratch = new Float32Array(shapes.reduce((most, shape) => Math.max(most, sizeOf(shape)), 0));
  const change = merging([adapter]);
  return [...model.stored].map(([name, { shape, dtype: given }], i): TensorToWrite => {
    const written = dtype === 'auto' ? keptDtype(given) : DTYPES[dtype];
    const data = async () => {
      watch(0);
      const weight = await model.read(name, { scratch });
      const merge = change(name);
      const before = merge && weight.data.slice();
      merge?.(weight);
      checkRange(name, weight.data, written);
      watch(i + 1, before && roundedChange(before, weight.data, written));
      return weight.data;
    };
    return { name, shape, dtype: written, data };
  });
}

/** Throws a data error for a value that the type of the file cannot hold. */
function checkRange(tensor: string, data: Float32Array, dtype: SafetensorsDtype): void {
  const most = GREATEST[dtype] ?? Number.MAX_VALUE;
  const index = data.findIndex((value) => !(Math.abs(value) <= most));
  if (index >= 0)
    throw dataError(
      `${tensor}: element ${index} of the result is ${data[index]}, more than ${dtype} holds; merge with \`dtype: float32\` or \`dtype: bfloat16\``,
      { tensor },
    );
}

const keptDtype = (given: SafetensorsDtype): SafetensorsDtype => (given === 'F64' ? 'F32' : given);

async function writeCompanions({ path, config }: OpenedModel, to: string, dtype: MergeDtype): Promise<string[]> {
  const names = await companionsOf(path, { card: false });
  await copyCompanions(path, to, names);
  const json = (await readJson(join(path, 'config.json'))) as Record<string, unknown>;
  const isUntied = json.tie_word_embeddings === true && !config.tie_word_embeddings;
  if (dtype === 'auto' && !isUntied) return names;
  // transformers reads `torch_dtype` in every version, `dtype` only since its fifth.
  const { torch_dtype: _old, ...rest } = json;
  const types = dtype === 'auto' ? {} : { ...('dtype' in json && { dtype }), torch_dtype: dtype };
  await writeJson(join(to, 'config.json'), {
    ...(dtype === 'auto' ? json : rest),
    ...types,
    // A head that is not the embedding stays so for programs that go by the field alone.
    ...(isUntied && { tie_word_embeddings: false }),
  });
  return names;
}
