import * as tf from '../backend/tf.js';
import type { Tensors } from '../program/program.js';
import { flatten, unflatten } from './flat.js';

/**
 * Scales gradients so that their global L2 norm is at most `max`, as torch.nn.utils.clip_grad_norm_ does: by
 * max / (norm + 1e-6), never by more than 1. A `max` of 0 leaves them. Returns the norm before clipping, a scalar.
 */
export function clipByGlobalNorm(grads: Tensors, max: number): { grads: Tensors; norm: tf.Scalar } {
  const names = Object.keys(grads);
  const flat = flatten(grads, names);
  const norm = tf.sqrt(sumOfSquares(flat)) as tf.Scalar;
  if (max === 0) return { grads, norm };
  const coefficient = tf.minimum(tf.div(max, tf.add(norm, 1e-6)), 1);
  return { grads: unflatten(tf.mul(flat, coefficient), grads, names), norm };
}

/** In two stages: WASM adds one after the other, and over millions of numbers float32 would lose the last ones. */
function sumOfSquares(flat: tf.Tensor1D): tf.Tensor {
  const row = 1024;
  const padded = tf.pad1d(flat, [0, (row - (flat.size % row)) % row]);
  return tf.sum(tf.sum(tf.square(tf.reshape(padded, [-1, row])), 1));
}
