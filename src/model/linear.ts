import { matMul } from '../backend/raw/matmul.js';
import * as tf from '../backend/tf.js';
import type { Tensors } from '../program/program.js';

/**
 * Applies the linear projection called `name` to x [M, inputs], giving [M, outputs]. The decoder calls every one of its
 * projections through such a function: an adapter is another one.
 */
export type Linear = (weights: Tensors, name: string, x: tf.Tensor) => tf.Tensor;

/** x W^T + b, W = `<name>.weight` [outputs, inputs], b = `<name>.bias` [outputs] if there is one. */
export const linear: Linear = (weights, name, x) => {
  const y = matMul(x, weights[`${name}.weight`]!, false, true);
  const bias = weights[`${name}.bias`];
  return bias ? tf.add(y, bias) : y;
};
