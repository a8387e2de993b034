import * as tf from '../tf.js';
import { isNative, nativeOp } from './native-op.js';

/**
 * Rows of a matrix by index: table [R, D], indices [M] (int32) gives [M, D]. Natively without
 * TensorFlow.js's own kernel, which reads the indices to check them; the library checks them itself
 * on a processor, and gives zeros for a wrong one on a card.
 */
export function gatherRows(table: tf.Tensor, indices: tf.Tensor): tf.Tensor {
  if (!isNative()) return tf.gather(table, indices as tf.Tensor1D);
  return tf.tidy(() => {
    const attributes = { batch_dims: 0, Tparams: table.dtype, Tindices: 'int32', Taxis: 'int32' } as const;
    return nativeOp('GatherV2', attributes, [table, indices, tf.scalar(0, 'int32')], 1)[0]!;
  });
}
