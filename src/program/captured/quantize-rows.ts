import type { HostTensor } from '../../core/host-tensor.js';

/** A matrix [outputs, inputs] in eight bits: element (o, i) is data[o * inputs + i] * scales[o], data in -127 to 127. */
export interface QuantizedRows {
  readonly shape: readonly [outputs: number, inputs: number];
  /** Its buffer goes on, with zeros, to a whole number of four bytes. */
  readonly data: Int8Array<ArrayBuffer>;
  /** One for each output, [outputs]; 0 for a row of zeros. */
  readonly scales: Float32Array;
}

/** Adding and taking away again rounds a float64 below 2^51 to the nearest integer, to the even one at the midpoint. */
const ROUNDER = 1.5 * 2 ** 52;

/**
 * Leaves 17 of a float64's 53 significant bits (Veltkamp's splitting): with the 7 of an element they make float32's 24, so
 * that their product is exact in float32, and what was quantized comes back to the bit when it is quantized again.
 */
const SPLITTER = 2 ** 36 + 1;

/**
 * Quantizes a weight [outputs, inputs] symmetrically, each output with a scale of its own: the largest magnitude of its row
 * is 127 steps but for 2^-18 of it, and no element moves by more than half a step and that. Throws a RangeError that tells the
 * row where a value is not finite, or a shape that is no matrix.
 */
export function quantizeRows({ shape, data }: HostTensor<'float32'>): QuantizedRows {
  const [outputs, inputs] = shape;
  if (shape.length !== 2 || outputs === undefined || inputs === undefined)
    throw new RangeError(`expected a matrix [outputs, inputs], got [${shape}]`);
  const quantized = new Int8Array(new ArrayBuffer(Math.ceil(data.length / 4) * 4), 0, data.length);
  const scales = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    const [start, end] = [o * inputs, (o + 1) * inputs];
    const step = largestMagnitude(data, start, end, o) / 127;
    // As float32, because that is what the device multiplies by. Rows below 1e-43 become zeros.
    scales[o] = step * SPLITTER - (step * SPLITTER - step);
    const scale = scales[o]!;
    if (scale === 0) continue;
    // Only where the scale is subnormal can its own rounding make more than 127 steps.
    for (let i = start; i < end; i++) {
      quantized[i] = Math.min(127, Math.max(-127, data[i]! / scale + ROUNDER - ROUNDER));
    }
  }
  return { shape: [outputs, inputs], data: quantized, scales };
}

function largestMagnitude(data: Float32Array, start: number, end: number, row: number): number {
  let largest = 0;
  for (let i = start; i < end; i++) {
    const magnitude = Math.abs(data[i]!);
    if (!Number.isFinite(magnitude)) throw new RangeError(`row ${row}: expected finite values, found ${data[i]}`);
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}
