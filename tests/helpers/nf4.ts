import { float32, type HostTensor } from '../../src/core/host-tensor.js';
import {
  BLOCK,
  DYNAMIC_MAP,
  GROUP,
  NF4,
  type QuantizedNf4,
  quantizeNf4,
} from '../../src/program/captured/quantize-nf4.js';

/** Places of the elements one by one, with those that fill the last block up. */
export const placesOf = ({ codes }: QuantizedNf4): Uint8Array =>
  Uint8Array.from([...Array.from(codes, (byte) => byte & 15), ...Array.from(codes, (byte) => byte >> 4)]);

/** Scale of each block. */
export const blockScales = ({ scales, largest, offset, codes }: QuantizedNf4): Float32Array =>
  Float32Array.from({ length: (2 * codes.length) / BLOCK }, (_, i) =>
    Math.fround(Math.fround(DYNAMIC_MAP[scales[i]!]! * largest[Math.floor(i / GROUP)]!) + offset),
  );

/** What a tensor is once it was held as NF4. */
export function dequantizedNf4(value: HostTensor<'float32'>): HostTensor<'float32'> {
  const made = quantizeNf4(value);
  const [places, scales] = [placesOf(made), blockScales(made)];
  return float32(
    value.shape,
    Float32Array.from(value.data, (_, i) => NF4[places[i]!]! * scales[Math.floor(i / BLOCK)]!),
  );
}
