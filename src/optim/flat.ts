import * as tf from '../backend/tf.js';
import { sizeOf } from '../core/host-tensor.js';
import type { Tensors } from '../program/program.js';
import type { Layout } from './layout.js';

/**
 * The tensors of a layout, one after the other in its vector: hundreds of small matrices, and a call has its
 * price.
 */
export function join({ places }: Layout, tensors: Tensors): tf.Tensor1D {
  const parts = [...places.keys()].map((name) => tf.reshape(tensors[name]!, [-1]) as tf.Tensor1D);
  return parts.length === 1 ? parts[0]! : tf.concat1d(parts);
}

/** Cuts a layout's vector into its tensors. */
export function cut({ places }: Layout, vector: tf.Tensor): Tensors {
  const shapes = [...places.values()].map(({ shape }) => shape);
  const parts = shapes.length === 1 ? [vector] : tf.split(vector, shapes.map(sizeOf));
  return Object.fromEntries([...places.keys()].map((name, i) => [name, tf.reshape(parts[i]!, [...shapes[i]!])]));
}
