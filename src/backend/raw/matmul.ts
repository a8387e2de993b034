import * as tf from '../tf.js';
import { isNative, nativeOp } from './native-op.js';

/**
 * Product of two matrices, either of them transposed if asked. Natively one op: TensorFlow.js makes
 * a batch of one out of them and a matrix out of the result, three ops more.
 */
export const matMul = (a: tf.Tensor, b: tf.Tensor, transposeA = false, transposeB = false): tf.Tensor =>
  isNative()
    ? nativeOp('MatMul', { T: 'float32', transpose_a: transposeA, transpose_b: transposeB }, [a, b], 1)[0]!
    : tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, transposeA, transposeB);
