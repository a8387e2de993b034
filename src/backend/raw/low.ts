import * as tf from '../tf.js';
import { isRecording } from './binding.js';
import { nativeOp } from './native-op.js';

/** Name under which the recorder knows {@link low}; TensorFlow has no op of this name. */
export const LOW = 'Low';

/**
 * The same tensor, kept in bfloat16 where the program computes in bfloat16: for what is kept for
 * the gradient and only goes into products. Elsewhere, and op by op, it is `x` itself. Has no
 * gradient.
 */
export const low = (x: tf.Tensor): tf.Tensor =>
  isRecording() ? nativeOp(LOW, { T: 'float32' }, [x], 1)[0]! : tf.clone(x);
