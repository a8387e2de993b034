import { low } from '../backend/raw/low.js';
import { matMul } from '../backend/raw/matmul.js';
import * as tf from '../backend/tf.js';
import { differentiable } from '../ops/differentiable.js';
import type { Tensors } from '../program/program.js';

/**
 * Applies the linear projections called `names` to x [M, inputs], all to the same: one result [M,
 * outputs] for each. The decoder calls every one of its projections through such a function: an
 * adapter is another one.
 */
export type Linear = (weights: Tensors, names: readonly string[], x: tf.Tensor) => tf.Tensor[];

/**
 * x W^T + b, W = `<name>.weight` [outputs, inputs], b = `<name>.bias` [outputs] if there is one.
 * Neither is trained.
 */
export const linear: Linear = (weights, names, x) =>
  names.map((name) => {
    const weight = weights[`${name}.weight`]!;
    const bias = weights[`${name}.bias`];
    return differentiable(
      [x] as const,
      (x) => {
        const y = matMul(x, weight, false, true);
        return { value: low(bias ? tf.add(y, bias) : y), saved: [] as const };
      },
      (dy) => matMul(dy, weight),
    );
  });

/** As {@link linear}, with gradients for W and b too: for training a whole model. */
export const trainedLinear: Linear = (weights, names, x) =>
  names.map((name) => {
    const y = tf.matMul(x as tf.Tensor2D, weights[`${name}.weight`] as tf.Tensor2D, false, true);
    const bias = weights[`${name}.bias`];
    return bias ? tf.add(y, bias) : y;
  });
