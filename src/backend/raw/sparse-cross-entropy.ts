import * as tf from '../tf.js';
import { isNative, nativeOp } from './native-op.js';

/**
 * Cross-entropy of each row with its label, in nats, and its gradient by the logits.
 * logits: [M, V], labels: [M] (int32); returns [M] and [M, V]. One TensorFlow op natively; composed elsewhere.
 */
export function sparseCrossEntropy(logits: tf.Tensor, labels: tf.Tensor): [tf.Tensor, tf.Tensor] {
  if (isNative())
    return nativeOp('SparseSoftmaxCrossEntropyWithLogits', { T: 'float32', Tlabels: 'int32' }, [logits, labels], 2) as [
      tf.Tensor,
      tf.Tensor,
    ];
  const logProbabilities = tf.logSoftmax(logits);
  // WASM writes integers whatever type is asked of oneHot: read as float32 they would be zeros.
  const target = tf.cast(tf.oneHot(labels as tf.Tensor1D, logits.shape[1]!, 1, 0, 'int32'), 'float32');
  return [tf.neg(tf.sum(tf.mul(logProbabilities, target), -1)), tf.sub(tf.exp(logProbabilities), target)];
}
