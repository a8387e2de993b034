import { bfloat16, float32, type HostTensor, int32 } from '../core/host-tensor.js';

/*
 * Conversions between float32 and the 16-bit types of model files. All arrays are little-endian, as files and every
 * machine that the native library runs on are.
 */

let halfTable: Uint32Array | undefined;

/** The float32 bit pattern of every float16 bit pattern; infinities, NaN payloads and subnormals kept. */
function halves(): Uint32Array {
  if (halfTable) return halfTable;
  halfTable = new Uint32Array(65536);
  const value = new Float32Array(1);
  const bits = new Uint32Array(value.buffer);
  for (let h = 0; h < 65536; h++) {
    const sign = (h & 0x8000) << 16;
    const exponent = (h >> 10) & 31;
    const fraction = h & 1023;
    if (exponent === 31) bits[0] = 0x7f800000 | (fraction << 13);
    else value[0] = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
    halfTable[h] = (bits[0]! | sign) >>> 0;
  }
  return halfTable;
}

/**
 * Widens float16 or bfloat16 bit patterns to float32. `from` may be the last half of the buffer of `to`: each element
 * is read before the place is overwritten.
 */
export function widen(from: Uint16Array, to: Float32Array, dtype: 'F16' | 'BF16'): void {
  const out = new Uint32Array(to.buffer, to.byteOffset, from.length);
  if (dtype === 'BF16') for (let i = 0; i < from.length; i++) out[i] = from[i]! << 16;
  else {
    const table = halves();
    for (let i = 0; i < from.length; i++) out[i] = table[from[i]!]!;
  }
}

/** Value of one float16 bit pattern. */
export function halfToFloat(h: number): number {
  scratchBits[0] = halves()[h]!;
  return scratch[0]!;
}

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/**
 * Rounds float32 to bfloat16 bit patterns, to nearest with ties to even; NaN stays NaN. `into` has
 * as many elements and may be the first half of the buffer of `from`: each element is read before
 * its place is overwritten.
 */
export function toBfloat16(from: Float32Array, into: Uint16Array = new Uint16Array(from.length)): Uint16Array {
  const bits = new Uint32Array(from.buffer, from.byteOffset, from.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!;
    into[i] = (b & 0x7fffffff) > 0x7f800000 ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return into;
}

/** A bfloat16 tensor's values as float32, all of them exact. */
export function widened({ shape, data }: HostTensor<'bfloat16'>): HostTensor<'float32'> {
  const floats = new Float32Array(data.length);
  widen(data, floats, 'BF16');
  return float32(shape, floats);
}

/** A float32 tensor's values rounded to bfloat16 as by {@link toBfloat16}. */
export const rounded = ({ shape, data }: HostTensor<'float32'>): HostTensor<'bfloat16'> =>
  bfloat16(shape, toBfloat16(data));

/**
 * The bit patterns of a bfloat16 tensor, two by two, as int32 [ceil(n / 2)]: JavaScript has no
 * other way to hand them to the device, where Bitcast makes bfloat16 of them again. A view of the
 * same memory where it can be; an odd end is padded with 0.
 */
export function bitsOf({ data }: HostTensor<'bfloat16'>): HostTensor<'int32'> {
  const pairs = Math.ceil(data.length / 2);
  const { buffer, byteOffset, length } = data;
  if (length % 2 === 0 && byteOffset % 4 === 0) return int32([pairs], new Int32Array(buffer, byteOffset, pairs));
  const padded = new Uint16Array(pairs * 2);
  padded.set(data);
  return int32([pairs], new Int32Array(padded.buffer));
}

/** A tensor's elements as int32 words: the bit patterns of float32, in the same memory. */
export const wordsOf = ({ shape, data }: HostTensor): HostTensor<'int32'> =>
  int32(shape, new Int32Array(data.buffer, data.byteOffset, data.length));

/** Rounds float32 to float16 bit patterns, to nearest with ties to even; overflow gives infinity, NaN stays NaN. */
export function toFloat16(from: Float32Array): Uint16Array {
  const bits = new Uint32Array(from.buffer, from.byteOffset, from.length);
  const out = new Uint16Array(from.length);
  for (let i = 0; i < out.length; i++) out[i] = halfBits(bits[i]!);
  return out;
}

function halfBits(b: number): number {
  const sign = (b >>> 16) & 0x8000;
  const magnitude = b & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude < 0x33000000) return sign;
  const exponent = magnitude >>> 23;
  // Normal halves drop 13 bits of fraction; subnormal ones drop more, with the implicit leading 1 made explicit.
  const drop = exponent >= 113 ? 13 : 126 - exponent;
  const value = exponent >= 113 ? magnitude - (112 << 23) : (magnitude & 0x7fffff) | 0x800000;
  const kept = value >>> drop;
  const rest = value & ((1 << drop) - 1);
  const half = 1 << (drop - 1);
  return sign | (kept + (rest > half || (rest === half && kept & 1) ? 1 : 0));
}
