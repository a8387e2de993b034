import { halfToFloat, toBfloat16, toFloat16, widen } from '../io/float.js';
import type { SafetensorsDtype } from '../io/safetensors.js';

/** What rounding to a file's element type left of a change. */
export interface Rounded {
  /** Whether any element is stored differently than without the change. */
  readonly changed: boolean;
  /** Sum over the elements of the square of the change, and of what of it rounding took or put in. */
  readonly change: number;
  readonly error: number;
}

/** Elements that are rounded together: some hundred KiB of memory. */
const PART = 1 << 16;

/** Compares the change from `before` to `after` with what of it a file of type `dtype` keeps. */
export function roundedChange(before: Float32Array, after: Float32Array, dtype: SafetensorsDtype): Rounded {
  let [changed, change, error] = [false, 0, 0];
  for (let from = 0; from < after.length; from += PART) {
    const [x, y] = [before.subarray(from, from + PART), after.subarray(from, from + PART)];
    const [xStored, yStored] = [stored(x, dtype), stored(y, dtype)];
    for (let i = 0; i < x.length; i++) {
      const made = y[i]! - x[i]!;
      const kept = yStored[i]! - xStored[i]!;
      changed ||= xStored[i] !== yStored[i];
      change += made * made;
      error += (kept - made) * (kept - made);
    }
  }
  return { changed, change, error };
}

/** The values as they are read from a file of this type. */
function stored(values: Float32Array, dtype: SafetensorsDtype): Float32Array {
  if (dtype === 'F16') return Float32Array.from(toFloat16(values), halfToFloat);
  if (dtype !== 'BF16') return values;
  const floats = new Float32Array(values.length);
  widen(toBfloat16(values), floats, 'BF16');
  return floats;
}
