import { after } from '../backend/raw/after.js';
import * as tf from '../backend/tf.js';
import { differentiable } from './differentiable.js';

/**
 * `work(inputs, constants)`, of which nothing is kept for the gradient but what it takes: it is run
 * once more for that (Chen et al. 2016, arXiv 1604.06174). It must do the same each time. All
 * inputs get a gradient and the result must depend on each of them; what else it uses that lives no
 * longer than its caller comes as `constants`, which get none. In a recorded graph the first input
 * waits for the gradient of the result, so that the second run cannot begin before it is needed.
 */
export function checkpoint(
  inputs: readonly tf.Tensor[],
  constants: readonly tf.Tensor[],
  work: (inputs: readonly tf.Tensor[], constants: readonly tf.Tensor[]) => tf.Tensor,
): tf.Tensor {
  return differentiable(
    inputs,
    (...inputs) => ({ value: work(inputs, constants), saved: [...inputs, ...constants] }),
    (dy, saved) => {
      const [first, ...others] = saved.slice(0, inputs.length) as [tf.Tensor, ...tf.Tensor[]];
      const kept = saved.slice(inputs.length);
      const [dx, ...rest] = gradients(
        (inputs) => work(inputs, kept),
        [after(first, dy), ...others],
        dy,
      ) as typeof inputs;
      // What the others are made of is gone before the layer below is run again.
      return [after(dx!, ...rest), ...rest];
    },
  );
}

/** Gradients within the gradient of another op, whose tape TensorFlow.js would lose. */
function gradients(work: (inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  const { state } = tf.engine();
  const tape = state.activeTape;
  try {
    return tf.grads((...inputs) => work(inputs))(inputs, dy);
  } finally {
    state.activeTape = tape;
  }
}
