import * as tf from '../tf.js';
import { isNative, nativeOp } from './native-op.js';

/**
 * All of `yes` where `condition` (a scalar, bool) is true, otherwise all of `no`: two float32
 * tensors of one shape. Natively without the condition for each element that `tf.where` would make
 * of it. What is not chosen leaves no trace: neither NaN nor infinity. Has no gradient.
 */
export function choose(condition: tf.Tensor, yes: tf.Tensor, no: tf.Tensor): tf.Tensor {
  if (isNative()) return nativeOp('Select', { T: 'float32' }, [condition, yes, no], 1)[0]!;
  return tf.where(condition, yes, no);
}
