import * as tf from '../tf.js';
import { isNative, nativeOp } from './native-op.js';

/**
 * A matrix with some of its rows replaced: table [R, D], indices [M] (int32, all different), rows [M, D] gives [R, D].
 * Natively the rows are written into the table's own memory: it must be a variable that the result is the new value of,
 * and its memory its own alone. TensorFlow's other ops for this copy the table, or make every read of the variable a
 * copy. Has no gradient.
 */
export function putRows(table: tf.Tensor, indices: tf.Tensor, rows: tf.Tensor): tf.Tensor {
  if (isNative()) return nativeOp('InplaceUpdate', { T: 'float32' }, [table, indices, rows], 1)[0]!;
  return tf.tensorScatterUpdate(table, tf.reshape(indices, [-1, 1]), rows);
}
