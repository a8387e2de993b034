import { join } from 'node:path';
import { openSafetensors, type TensorToWrite, writeSafetensors } from '../../src/io/safetensors.js';

/** Writes a model folder's weights again as float32, changed. */
export async function rewriteWeights(
  folder: string,
  change: (tensors: Map<string, TensorToWrite & { data: Float32Array }>) => void,
): Promise<void> {
  const path = join(folder, 'model.safetensors');
  const file = await openSafetensors(path);
  const tensors = new Map<string, TensorToWrite & { data: Float32Array }>();
  for (const [name, { shape }] of file.tensors) {
    const { data } = await file.read(name);
    tensors.set(name, { name, shape, dtype: 'F32', data: (data as Float32Array).slice() });
  }
  await file.close();
  change(tensors);
  await writeSafetensors(path, [...tensors.values()]);
}
