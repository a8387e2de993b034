import * as tf from '../tf.js';
import { isRecording } from './binding.js';
import { nativeOp } from './native-op.js';

/** Name under which the recorder knows {@link after}; TensorFlow has no op of this name. */
export const AFTER = 'After';

/**
 * The same tensor as `x`, which in a recorded graph exists only once all of `first` were computed.
 * A session runs whatever is ready, so that without it what could be worked out late, in the memory
 * of what has gone by then, is worked out early. Has no effect op by op, where the order is the
 * code's. Has no gradient.
 */
export const after = (x: tf.Tensor, ...first: tf.Tensor[]): tf.Tensor =>
  isRecording() ? nativeOp(AFTER, {}, [x, ...first], 1)[0]! : tf.clone(x);
