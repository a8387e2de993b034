import type { HostTensor } from '../../core/host-tensor.js';
import * as tf from '../tf.js';
import { isNative, nativeBackend, nativeOp } from './native-op.js';

/**
 * Copies a host tensor now, after which the array may be reused. The native binding would otherwise
 * share the array's memory, and so would, for as long as it lives, a session's variable that the
 * tensor is assigned to, as it is or through a `Bitcast`: variables take over what they are given.
 * So the copy made here is also the one that stays. What is float32 goes to the card at once; int32,
 * and what is fed as words of it, is copied on the host, and by the session to the card.
 */
export function upload(host: HostTensor): tf.Tensor {
  const lazy = tf.tensor(host.data, [...host.shape], host.dtype);
  if (!isNative()) return lazy;
  nativeBackend().getInputTensorIds([lazy]);
  const [copy] = nativeOp('DeepCopy', { T: host.dtype }, [lazy], 1) as [tf.Tensor];
  lazy.dispose();
  return copy;
}
