import { fuse } from '../backend/raw/fuse.js';
import * as tf from '../backend/tf.js';
import { differentiable } from './differentiable.js';

/** x + y of one shape, keeping neither for the gradient. */
export const addResidual = (x: tf.Tensor, y: tf.Tensor): tf.Tensor =>
  differentiable(
    [x, y] as const,
    (x, y) => ({ value: fuse(() => tf.add(x, y)), saved: [] as const }),
    (dy) => [tf.clone(dy), tf.clone(dy)],
  );
