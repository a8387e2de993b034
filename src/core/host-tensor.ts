/**
 * The array that holds each element type in JavaScript memory; bfloat16 as bit patterns, for which
 * there is no built-in array.
 */
interface Arrays {
  float32: Float32Array;
  int32: Int32Array;
  bfloat16: Uint16Array;
}

/** Element types that are computed with. */
export type HostDtype = 'float32' | 'int32';

/**
 * A dense row-major array in JavaScript memory. `data.length` is the product of `shape`; a scalar
 * has shape []. Only where the type says so is it one of bfloat16, which is moved and converted but
 * not computed with.
 */
export type HostTensor<D extends keyof Arrays = HostDtype> = D extends D
  ? { readonly shape: readonly number[]; readonly dtype: D; readonly data: Arrays[D] }
  : never;

/** Number of elements of a shape; 1 for a scalar. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** A float32 host tensor. Throws when the data does not fill the shape. */
export const float32 = (shape: readonly number[], data: Float32Array | readonly number[]): HostTensor<'float32'> =>
  checked({ shape, dtype: 'float32', data: data instanceof Float32Array ? data : Float32Array.from(data) });

/** An int32 host tensor. Throws when the data does not fill the shape. */
export const int32 = (shape: readonly number[], data: Int32Array | readonly number[]): HostTensor<'int32'> =>
  checked({ shape, dtype: 'int32', data: data instanceof Int32Array ? data : Int32Array.from(data) });

/** A bfloat16 host tensor of bit patterns. Throws when the data does not fill the shape. */
export const bfloat16 = (shape: readonly number[], data: Uint16Array): HostTensor<'bfloat16'> =>
  checked({ shape, dtype: 'bfloat16', data });

function checked<T extends HostTensor<keyof Arrays>>(t: T): T {
  if (t.data.length !== sizeOf(t.shape))
    throw new RangeError(
      `expected ${sizeOf(t.shape)} elements for shape [${t.shape.join(', ')}], got ${t.data.length}`,
    );
  return t;
}
