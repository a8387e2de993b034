import * as tf from '../backend/tf.js';
import { differentiable } from './differentiable.js';

/** Cuts the last axis into heads: x [B * T, heads * H] gives [B, heads, T, H]. */
export const splitHeads = (x: tf.Tensor, batch: number, heads: number): tf.Tensor =>
  differentiable(
    [x] as const,
    (x) => ({ value: cutHeads(x, batch, heads), saved: [] as const }),
    (dy) => joinHeads(dy),
  );

/** The other way round than {@link splitHeads}. */
export const mergeHeads = (x: tf.Tensor): tf.Tensor => {
  const [batch, heads] = x.shape as [number, number];
  return differentiable(
    [x] as const,
    (x) => ({ value: joinHeads(x), saved: [] as const }),
    (dy) => cutHeads(dy, batch, heads),
  );
};

/** {@link splitHeads} as part of another op, without a gradient. */
export function cutHeads(x: tf.Tensor, batch: number, heads: number): tf.Tensor {
  const [rows, width] = x.shape as [number, number];
  return tf.transpose(tf.reshape(x, [batch, rows / batch, heads, width / heads]), [0, 2, 1, 3]);
}

/** {@link mergeHeads} as part of another op, without a gradient. */
export function joinHeads(x: tf.Tensor): tf.Tensor {
  const [batch, heads, tokens, size] = x.shape as [number, number, number, number];
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch * tokens, heads * size]);
}
