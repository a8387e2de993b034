import * as tf from '../backend/tf.js';

/**
 * Runs an op that brings its own gradient. `forward` gives the value and the tensors the gradient needs (nothing else
 * stays in memory until the backward pass); `backward` gives one gradient for each input, in order.
 */
export function differentiable<I extends readonly tf.Tensor[], S extends readonly tf.Tensor[]>(
  inputs: I,
  forward: (...inputs: I) => { value: tf.Tensor; saved: S },
  backward: (dy: tf.Tensor, saved: S) => tf.Tensor | tf.Tensor[],
): tf.Tensor {
  const op = tf.customGrad((...args) => {
    const save = args.pop() as (tensors: readonly tf.Tensor[]) => void;
    const { value, saved } = forward(...(args as unknown as I));
    save(saved);
    return { value, gradFunc: (dy, kept) => backward(dy, kept as unknown as S) };
  });
  return op(...inputs);
}
