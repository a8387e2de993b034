import { matMul } from '../backend/raw/matmul.js';
import { statelessUniform } from '../backend/raw/stateless-uniform.js';
import * as tf from '../backend/tf.js';
import { random } from '../core/random.js';
import { type Linear, linear } from '../model/linear.js';
import { differentiable } from '../ops/differentiable.js';
import { matrixNames } from './adapter.js';
import { type LoraOptions, scalingOf } from './options.js';

/**
 * The linear projection with LoRA: base(x) + scale * drop(x) A^T B^T wherever the weights have the module's matrices,
 * base(x) elsewhere. With `dropoutSeed` (int32 scalar, another one for each micro-batch) each module drops inputs of its
 * adapter with its own mask and scales the rest by 1 / (1 - dropout), as PEFT in training; without it nothing is dropped.
 */
export const loraLinear =
  (options: Pick<LoraOptions, 'rank' | 'alpha' | 'rsLora' | 'dropout'>, dropoutSeed?: tf.Tensor): Linear =>
  (weights, name, x) => {
    const names = matrixNames(name);
    const [a, b] = [weights[names.a], weights[names.b]];
    if (!a || !b) return linear(weights, name, x);
    const drops = dropoutSeed !== undefined && options.dropout > 0;
    const dropout = drops ? { share: options.dropout, label: random(0, 'dropout', name).integer(2 ** 31) } : undefined;
    return adapted([x, a, b], drops ? [dropoutSeed] : [], {
      weight: weights[`${name}.weight`]!,
      bias: weights[`${name}.bias`],
      scale: scalingOf(options),
      dropout,
    });
  };

/** How much is dropped, and which of the seed's masks it is. */
interface Dropout {
  readonly share: number;
  readonly label: number;
}

/** What {@link adapted} does not train. */
interface Fixed {
  readonly weight: tf.Tensor;
  readonly bias: tf.Tensor | undefined;
  readonly scale: number;
  readonly dropout: Dropout | undefined;
}

/**
 * x W^T + bias + scale * drop(x) A^T B^T: x [M, inputs], A [R, inputs], B [outputs, R], W [outputs, inputs] gives
 * [M, outputs]. Kept for the gradient are the inputs, the seed and the product of rank R; the dropout mask is drawn again.
 */
const adapted = (
  inputs: [x: tf.Tensor, a: tf.Tensor, b: tf.Tensor],
  seed: readonly tf.Tensor[],
  { weight, bias, scale, dropout }: Fixed,
): tf.Tensor =>
  differentiable(
    inputs,
    (x, a, b) => {
      const narrow = tf.mul(matMul(drop(x, dropout, seed[0]), a, false, true), scale);
      const sum = tf.add(matMul(x, weight, false, true), matMul(narrow, b, false, true));
      return { value: bias ? tf.add(sum, bias) : sum, saved: [x, a, b, narrow, ...seed] as const };
    },
    (dy, [x, a, b, narrow, seed]) => {
      const slope = tf.mul(matMul(dy, b), scale);
      const dx = tf.add(matMul(dy, weight), drop(matMul(slope, a), dropout, seed));
      return [dx, matMul(slope, drop(x, dropout, seed), true), matMul(dy, narrow, true)];
    },
  );

/** Zeroes a share of the elements and scales the rest by 1 / (1 - share); the same ones whenever seed and shape are the same. */
function drop(x: tf.Tensor, dropout: Dropout | undefined, seed: tf.Tensor | undefined): tf.Tensor {
  if (!dropout || !seed) return x;
  const kept = tf.cast(tf.greaterEqual(statelessUniform(x.shape, seed, dropout.label), dropout.share), 'float32');
  return tf.mul(x, tf.mul(kept, 1 / (1 - dropout.share)));
}
