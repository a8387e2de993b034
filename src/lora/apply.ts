import { fuse } from '../backend/raw/fuse.js';
import { low } from '../backend/raw/low.js';
import { matMul } from '../backend/raw/matmul.js';
import { statelessUniform } from '../backend/raw/stateless-uniform.js';
import * as tf from '../backend/tf.js';
import { random } from '../core/random.js';
import { type Linear, linear } from '../model/linear.js';
import { differentiable } from '../ops/differentiable.js';
import type { Tensors } from '../program/program.js';
import { matrixNames, stackName } from './adapter.js';
import { type LoraOptions, scalingOf } from './options.js';

/**
 * Linear projections with LoRA: base(x) + scale * drop(x) A^T B^T wherever the weights have the
 * module's matrices, base(x) elsewhere. With `dropoutSeed` (int32 scalar, another one for each
 * micro-batch) each module drops inputs of its adapter with its own mask and scales the rest by 1 /
 * (1 - dropout), as PEFT in training; without it nothing is dropped, and the narrow products of
 * modules that take the same input are one.
 */
export const loraLinear =
  (options: Pick<LoraOptions, 'rank' | 'alpha' | 'rsLora' | 'dropout'>, dropoutSeed?: tf.Tensor): Linear =>
  (weights, names, x) => {
    const adapted = names.filter((name) => weights[matrixNames(name).b]);
    if (adapted.length === 0) return linear(weights, names, x);
    const scale = scalingOf(options);
    const narrow =
      dropoutSeed && options.dropout > 0
        ? adapted.map((name) => dropped(weights, name, x, { scale, share: options.dropout, seed: dropoutSeed }))
        : together(weights, adapted, x, scale);
    return names.map((name) => {
      const index = adapted.indexOf(name);
      return index < 0 ? linear(weights, [name], x)[0]! : wide(weights, name, x, narrow[index]!);
    });
  };

/** scale * x A^T of modules that take the same input, by one product: [M, R] each. */
function together(weights: Tensors, names: readonly string[], x: tf.Tensor, scale: number): tf.Tensor[] {
  const matrix = (name: string) => weights[matrixNames(name).a]!;
  const stack = weights[stackName(names)] ?? (names.length === 1 ? matrix(names[0]!) : tf.concat(names.map(matrix)));
  const all = product([x, stack], scale);
  return names.length === 1 ? [all] : tf.split(all, names.length, 1);
}

/** x A^T times a scale: x [M, inputs] and A [R, inputs] give [M, R]. Kept for the gradient are the inputs. */
const product = (inputs: [x: tf.Tensor, a: tf.Tensor], scale: number): tf.Tensor =>
  differentiable(
    inputs,
    (x, a) => ({ value: low(tf.mul(matMul(x, a, false, true), scale)), saved: [x, a] as const }),
    (dy, [x, a]) => {
      const slope = tf.mul(dy, scale);
      return [matMul(slope, a), matMul(slope, x, true)];
    },
  );

/**
 * x W^T + bias + narrow B^T: narrow [M, R], B [outputs, R], W [outputs, inputs] gives [M, outputs].
 * Kept for the gradient are narrow and B.
 */
function wide(weights: Tensors, name: string, x: tf.Tensor, narrow: tf.Tensor): tf.Tensor {
  const weight = weights[`${name}.weight`]!;
  const bias = weights[`${name}.bias`];
  return differentiable(
    [x, narrow, weights[matrixNames(name).b]!] as const,
    (x, narrow, b) => {
      const base = matMul(x, weight, false, true);
      const update = matMul(narrow, b, false, true);
      const value = fuse(() => {
        const sum = tf.add(base, update);
        return low(bias ? tf.add(sum, bias) : sum);
      });
      return { value, saved: [narrow, b] as const };
    },
    // B's gradient through its transpose, [R, outputs]: the library multiplies that way round faster.
    (dy, [narrow, b]) => {
      const transposed = matMul(narrow, dy, true);
      return [matMul(dy, weight), matMul(dy, b), fuse(() => tf.transpose(transposed))];
    },
  );
}

/** How the inputs of a module's adapter are dropped. */
interface Dropout {
  readonly scale: number;
  readonly share: number;
  readonly seed: tf.Tensor;
}

/** scale * drop(x) A^T. Kept for the gradient are the inputs and the seed; the mask is drawn again. */
function dropped(weights: Tensors, name: string, x: tf.Tensor, { scale, share, seed }: Dropout): tf.Tensor {
  const label = random(0, 'dropout', name).integer(2 ** 31);
  return differentiable(
    [x, weights[matrixNames(name).a]!] as const,
    (x, a) => {
      const kept = drop(x, share, seed, label);
      return { value: low(tf.mul(matMul(kept, a, false, true), scale)), saved: [x, a, seed] as const };
    },
    (dy, [x, a, seed]) => {
      const slope = tf.mul(dy, scale);
      return [drop(matMul(slope, a), share, seed, label), matMul(slope, drop(x, share, seed, label), true)];
    },
  );
}

/**
 * Zeroes a share of the elements and scales the rest by 1 / (1 - share); the same ones whenever
 * seed and shape are the same.
 */
function drop(x: tf.Tensor, share: number, seed: tf.Tensor, label: number): tf.Tensor {
  const kept = tf.cast(tf.greaterEqual(statelessUniform(x.shape, seed, label), share), 'float32');
  return tf.mul(x, tf.mul(kept, 1 / (1 - share)));
}
