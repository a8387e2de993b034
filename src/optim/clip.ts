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
  const norm = tf.sqrt(tf.sum(tf.square(flat))) as tf.Scalar;
  if (max === 0) return { grads, norm };
  const coefficient = tf.minimum(tf.div(max, tf.add(norm, 1e-6)), 1);
  return { grads: unflatten(tf.mul(flat, coefficient), grads, names), norm };
}
