import * as tf from '../backend/tf.js';

/**
 * Runs an op that brings its own gradient. `forward` gives the value and the tensors the gradient
 * needs; `backward` gives one gradient for each input, in order, as new tensors (never `dy`
 * itself).
 *
 * Memory is why a decoder's ops go through here: the tape of TensorFlow.js keeps the inputs of
 * nearly every built-in op, and every gradient until the last is worked out. Here only `saved`
 * stays, and it goes, with `dy`, once it was used.
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
    return {
      value,
      gradFunc: (dy, kept) => {
        const gradients = tf.tidy(() => backward(dy, kept as unknown as S));
        tf.dispose([dy, ...kept]);
        return gradients;
      },
    };
  });
  return op(...inputs);
}
