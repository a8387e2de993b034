import * as tf from '../tf.js';

/** The parts of tfjs-node's backend that run TensorFlow ops by name. */
interface NativeBackend {
  readonly binding: Record<string, number>;
  executeMultipleOutputs(op: string, attrs: object[], inputs: readonly tf.Tensor[], outputs: number): tf.Tensor[];
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
}

/** True when the current backend is the native TensorFlow library. */
export const isNative = (): boolean => tf.getBackend() === 'tensorflow';

/** The current backend, for code that already knows it {@link isNative}. */
export const nativeBackend = (): NativeBackend => tf.backend() as unknown as NativeBackend;

/**
 * Runs one TensorFlow op by its name. Attributes: a dtype name sets a type, a boolean or an integer their own kind.
 * Throws what TensorFlow throws.
 */
export function nativeOp(
  op: string,
  attributes: Readonly<Record<string, tf.DataType | boolean | number>>,
  inputs: readonly tf.Tensor[],
  outputs: number,
): tf.Tensor[] {
  const { binding } = nativeBackend();
  const attrs = Object.entries(attributes).map(([name, value]) => {
    if (typeof value === 'boolean') return { name, type: binding.TF_ATTR_BOOL, value };
    if (typeof value === 'number') return { name, type: binding.TF_ATTR_INT, value };
    return { name, type: binding.TF_ATTR_TYPE, value: value === 'int32' ? binding.TF_INT32 : binding.TF_FLOAT };
  });
  return nativeBackend().executeMultipleOutputs(op, attrs, inputs, outputs);
}
