import { PhasetuneError } from '../core/errors.js';
import { sizeOf } from '../core/host-tensor.js';
import { type TensorToWrite, writeShardedSafetensors } from '../io/safetensors.js';
import { formatBytes } from '../telemetry/format.js';
import type { ImportDtype, ModelImportOptions } from './import-options.js';

/** The name of an element type in a safetensors file. */
export const fileDtype = (dtype: ImportDtype) => (dtype === 'float32' ? 'F32' : 'BF16');

/** Writes an import's tensors, one in memory at once, reporting progress. Returns how many there were. */
export async function writeWeights(
  folder: string,
  tensors: readonly TensorToWrite[],
  options: ModelImportOptions,
): Promise<{ tensors: number; parameters: number }> {
  const parameters = tensors.reduce((sum, t) => sum + sizeOf(t.shape), 0);
  const width = options.dtype === 'float32' ? 4 : 2;
  const progress = options.progress?.({ label: 'import', total: parameters * width, unit: formatBytes });
  let done = 0;
  const watched = tensors.map((t) => ({
    ...t,
    data: async () => {
      if (options.signal?.aborted) throw new PhasetuneError('interrupted', 'interrupted; nothing was written');
      progress?.update(done * width);
      done += sizeOf(t.shape);
      return typeof t.data === 'function' ? t.data() : t.data;
    },
  }));
  try {
    await writeShardedSafetensors(folder, watched);
    progress?.update(done * width);
  } finally {
    progress?.finish();
  }
  return { tensors: tensors.length, parameters };
}
