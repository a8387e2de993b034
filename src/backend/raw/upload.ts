import type { HostTensor } from '../../core/host-tensor.js';
import * as tf from '../tf.js';
import { isNative, nativeBackend, nativeOp } from './native-op.js';

/**
 * Copies a host tensor to the device now. The native binding would otherwise copy late, and share the array's memory:
 * after this call the caller may reuse it.
 */
export function upload(host: HostTensor): tf.Tensor {
  const lazy = tf.tensor(host.data, [...host.shape], host.dtype);
  if (!isNative()) return lazy;
  nativeBackend().getInputTensorIds([lazy]);
  const [copy] = nativeOp('DeepCopy', { T: host.dtype }, [lazy], 1) as [tf.Tensor];
  lazy.dispose();
  return copy;
}
