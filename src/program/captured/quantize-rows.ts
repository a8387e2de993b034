import type { HostTensor } from '../../core/host-tensor.js';

/**
 * A matrix [outputs, inputs] in eight bits: element (o, i) is data[o * inputs + i] * scales[o],
 * data in -127 to 127.
 */
export interface QuantizedRows {
  readonly shape: readonly [outputs: number, inputs: number];
  /** Lies in {@link words}, row after row. */
  readonly data: Int8Array;
  /** The same bytes as 32-bit words. */
  readonly words: Int32Array;
  /** One for each output, [outputs]; 0 for a row of zeros. */
  readonly scales: Float32Array;
}

/** Room for this many words. */
export type Room = (words: number) => Int32Array;

/** Adding and taking away again rounds a float64 below 2^51 to the nearest integer, to the even one at the midpoint. */
const ROUNDER = 1.5 * 2 ** 52;

/**
 * Leaves 17 of a float64's 53 significant bits (Veltkamp's splitting): with the 7 of an element
 * they make float32's 24, so that their product is exact in float32, and what was quantized comes
 * back to the bit when it is quantized again.
 */
const SPLITTER = 2 ** 36 + 1;

/**
 * Quantizes a weight [outputs, inputs] symmetrically, each output with its own scale: the largest
 * magnitude of its row is 127 steps except for 2^-18 of it, and no element moves by more than half a
 * step and that. Throws a RangeError that names the row where a value is not finite, or a shape
 * that is no matrix. `room` is where the elements go; by default it is new.
 */
export function quantizeRows(
  { shape, data }: HostTensor<'float32'>,
  room: Room = (words) => new Int32Array(words),
): QuantizedRows {
  const [outputs, inputs] = shape;
  if (shape.length !== 2 || outputs === undefined || inputs === undefined)
    throw new RangeError(`expected a matrix [outputs, inputs], got [${shape}]`);
  const words = room(Math.ceil(data.length / 4));
  const quantized = new Int8Array(words.buffer, words.byteOffset, data.length);
  const scales = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    const row = data.subarray(o * inputs, (o + 1) * inputs);
    const step = largestMagnitude(row, o) / 127;
    // As float32, because that is what the device multiplies by. Rows below 1e-43 become zeros.
    scales[o] = step * SPLITTER - (step * SPLITTER - step);
    quantizeRow(row, scales[o]!, quantized.subarray(o * inputs, (o + 1) * inputs));
  }
  return { shape: [outputs, inputs], data: quantized, words, scales };
}

function quantizeRow(row: Float32Array, scale: number, into: Int8Array): void {
  if (scale === 0) into.fill(0);
  // Only where the scale is subnormal can its own rounding make more than 127 steps.
  else
    for (let i = 0; i < row.length; i++) into[i] = Math.min(127, Math.max(-127, row[i]! / scale + ROUNDER - ROUNDER));
}

function largestMagnitude(row: Float32Array, number: number): number {
  let largest = 0;
  for (let i = 0; i < row.length; i++) {
    const magnitude = Math.abs(row[i]!);
    if (!Number.isFinite(magnitude)) throw new RangeError(`row ${number}: expected finite values, found ${row[i]}`);
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}
