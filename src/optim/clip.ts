import * as tf from '../backend/tf.js';

/**
 * Scales gradients, given as vectors, so that their global L2 norm is at most `max`, as
 * torch.nn.utils.clip_grad_norm_ does: by max / (norm + 1e-6), never by more than 1. A `max` of 0 leaves them.
 * Returns the norm before clipping, a scalar.
 */
export function clipByGlobalNorm(
  grads: readonly tf.Tensor1D[],
  max: number,
): { grads: readonly tf.Tensor1D[]; norm: tf.Tensor } {
  const norm = tf.sqrt(grads.map(sumOfSquares).reduce((sum, part) => tf.add(sum, part)));
  if (max === 0) return { grads, norm };
  const coefficient = tf.minimum(tf.div(max, tf.add(norm, 1e-6)), 1);
  return { grads: grads.map((vector) => tf.mul(vector, coefficient)), norm };
}

/** In two stages: WASM adds one after the other, and over millions of numbers float32 would lose the last ones. */
function sumOfSquares(vector: tf.Tensor1D): tf.Tensor {
  const row = 1024;
  const missing = (row - (vector.size % row)) % row;
  const padded = missing === 0 ? vector : tf.pad1d(vector, [0, missing]);
  return tf.sum(tf.sum(tf.square(tf.reshape(padded, [-1, row])), 1));
}
