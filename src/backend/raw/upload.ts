import { type HostTensor, int32 } from '../../core/host-tensor.js';
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

/**
 * The bit patterns of a bfloat16 tensor, two by two, as int32 [ceil(n / 2)]: JavaScript has no other way to hand them to the
 * device, where Bitcast makes bfloat16 of them again. A view of the same memory where it can be; an odd end is padded with 0.
 */
export function bitsOf({ data }: HostTensor<'bfloat16'>): HostTensor<'int32'> {
  const pairs = Math.ceil(data.length / 2);
  const { buffer, byteOffset, length } = data;
  if (length % 2 === 0 && byteOffset % 4 === 0) return int32([pairs], new Int32Array(buffer, byteOffset, pairs));
  const padded = new Uint16Array(pairs * 2);
  padded.set(data);
  return int32([pairs], new Int32Array(padded.buffer));
}
