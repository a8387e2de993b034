import * as tf from '../backend/tf.js';
import type { Tensors } from '../program/program.js';

/** The named tensors one after the other in one vector: an adapter has hundreds of small matrices, a call has its price. */
export const flatten = (tensors: Tensors, names: readonly string[]): tf.Tensor1D =>
  tf.concat1d(names.map((name) => tf.reshape(tensors[name]!, [-1])) as tf.Tensor1D[]);

/** Cuts a vector made by {@link flatten} into tensors of the shapes that `like` has under `names`. */
export function unflatten(flat: tf.Tensor1D, like: Tensors, names: readonly string[]): Tensors {
  const parts =
    names.length === 1
      ? [flat]
      : tf.split(
          flat,
          names.map((name) => like[name]!.size),
        );
  return Object.fromEntries(names.map((name, i) => [name, tf.reshape(parts[i]!, like[name]!.shape)]));
}
