/** Element types that cross the border between files, the host and the device. */
export type HostDtype = 'float32' | 'int32';

/** A dense row-major array in JavaScript memory. `data.length` is the product of `shape`; a scalar has shape []. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly dtype: HostDtype;
  readonly data: Float32Array | Int32Array;
}

/** Number of elements of a shape; 1 for a scalar. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** A float32 host tensor. Throws when the data does not fill the shape. */
export const float32 = (shape: readonly number[], data: Float32Array | readonly number[]): HostTensor =>
  checked({ shape, dtype: 'float32', data: data instanceof Float32Array ? data : Float32Array.from(data) });

/** An int32 host tensor. Throws when the data does not fill the shape. */
export const int32 = (shape: readonly number[], data: Int32Array | readonly number[]): HostTensor =>
  checked({ shape, dtype: 'int32', data: data instanceof Int32Array ? data : Int32Array.from(data) });

function checked(t: HostTensor): HostTensor {
  if (t.data.length !== sizeOf(t.shape))
    throw new RangeError(
      `expected ${sizeOf(t.shape)} elements for shape [${t.shape.join(', ')}], got ${t.data.length}`,
    );
  return t;
}
