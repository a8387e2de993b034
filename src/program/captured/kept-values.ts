import { upload } from '../../backend/raw/upload.js';
import * as tf from '../../backend/tf.js';
import { float32, type HostTensor, int32 } from '../../core/host-tensor.js';
import type { GraphVariable } from './variables.js';

/** Runs the session: what is fed is freed. */
export type SessionCall = (fed: ReadonlyMap<string, tf.Tensor>, fetches: readonly string[]) => tf.Tensor[];

/** Values of variables as they are held, by where they are fed: nothing is rounded on the way. */
export interface KeptValues {
  readonly names: readonly string[];
  readonly feeds: ReadonlyMap<string, HostTensor>;
}

/** Copies variables of these names to the host. */
export function keepValues(
  names: readonly string[],
  variables: ReadonlyMap<string, GraphVariable>,
  call: SessionCall,
): KeptValues {
  const parts = names.flatMap((name) => {
    const { name: own, parts } = variables.get(name)!;
    return Object.keys(parts).map((part) => ({ fed: `${own}.in.${part}`, fetched: `${own}.kept.${part}` }));
  });
  if (parts.length === 0) return { names, feeds: new Map() };
  const fetches = parts.map(({ fetched }) => fetched);
  const tensors = call(new Map(), fetches);
  return { names, feeds: new Map(parts.map(({ fed }, i) => [fed, toHost(tensors[i]!)])) };
}

/** Sets the variables whose values were kept. */
export function restoreValues(
  { names, feeds }: KeptValues,
  variables: ReadonlyMap<string, GraphVariable>,
  call: SessionCall,
): void {
  if (names.length === 0) return;
  const fed = new Map([...feeds].map(([name, value]) => [name, upload(value)]));
  const fetches = names.map((name) => `${variables.get(name)!.name}.set`);
  tf.dispose(call(fed, fetches));
}

/** A tensor's elements; it is freed. */
export function toHost(tensor: tf.Tensor): HostTensor {
  const data = tensor.dataSync();
  const host =
    tensor.dtype === 'int32' ? int32(tensor.shape, data as Int32Array) : float32(tensor.shape, data as Float32Array);
  tensor.dispose();
  return host;
}
