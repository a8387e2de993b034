import { random } from '../../core/random.js';
import * as tf from '../tf.js';
import { isNative, nativeOp } from './native-op.js';

/**
 * Uniform numbers in [0, 1) that depend on nothing but `seed` (a scalar tensor, int32, that may be
 * fed), `label` (an int32 that distinguishes places of use) and the shape: the same again, bit for
 * bit, on the same backend. One TensorFlow op natively (Philox); drawn on the host elsewhere. Has
 * no gradient.
 */
export function statelessUniform(shape: readonly number[], seed: tf.Tensor, label: number): tf.Tensor {
  if (!isNative()) {
    const { uniform } = random(seed.dataSync()[0]!, label);
    const data = Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, uniform);
    return tf.tensor(data, [...shape]);
  }
  return tf.tidy(() => {
    const pair = tf.stack([tf.reshape(seed, []), tf.scalar(label, 'int32')]);
    const sizes = tf.tensor1d([...shape], 'int32');
    const attributes = { dtype: 'float32', T: 'int32', Tseed: 'int32' } as const;
    return nativeOp('StatelessRandomUniform', attributes, [sizes, pair], 1)[0]!;
  });
}
