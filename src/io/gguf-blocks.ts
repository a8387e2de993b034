import { halfToFloat } from './float.js';

/** Turns one block of a quantised type, at byte `at` of `b`, into floats at `to` of `out`. */
type Dequantise = (b: Uint8Array, at: number, out: Float32Array, to: number) => void;

/** An element type of a GGUF file: `size` elements take `bytes` bytes. */
export interface BlockType {
  readonly name: string;
  readonly size: number;
  readonly bytes: number;
  readonly dequantise: Dequantise;
}

const half = (b: Uint8Array, at: number) => halfToFloat(b[at]! | (b[at + 1]! << 8));

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);
const asFloat = (pattern: number) => {
  bits[0] = pattern;
  return float[0]!;
};

// Every product below has at most 24 significant bits, so it is exact in double precision and only the last sum is
// rounded, on its way into the Float32Array: the same numbers as single precision arithmetic gives.

const q8_0: Dequantise = (b, at, out, to) => {
  const d = half(b, at);
  for (let i = 0; i < 32; i++) out[to + i] = d * ((b[at + 2 + i]! << 24) >> 24);
};

/** The four- and five-bit types without super-blocks: a scale, perhaps a minimum, perhaps fifth bits, then nibbles. */
const nibbles =
  (hasMinimum: boolean, hasFifthBit: boolean): Dequantise =>
  (b, at, out, to) => {
    const d = half(b, at);
    const fifth = at + (hasMinimum ? 4 : 2);
    const nibble = fifth + (hasFifthBit ? 4 : 0);
    // Adding minus zero changes nothing, not even the sign of zero.
    const minimum = hasMinimum ? half(b, at + 2) : -0;
    const zero = hasMinimum ? 0 : hasFifthBit ? 16 : 8;
    const high = hasFifthBit ? b[fifth]! | (b[fifth + 1]! << 8) | (b[fifth + 2]! << 16) | (b[fifth + 3]! << 24) : 0;
    for (let i = 0; i < 16; i++) {
      const q = b[nibble + i]!;
      out[to + i] = d * (((q & 15) | (((high >>> i) & 1) << 4)) - zero) + minimum;
      out[to + 16 + i] = d * (((q >> 4) | (((high >>> (i + 16)) & 1) << 4)) - zero) + minimum;
    }
  };

/** Q4_K and Q5_K: 256 elements as eight groups of 32, each with a 6-bit scale and minimum. */
const superBlock =
  (hasFifthBit: boolean): Dequantise =>
  (b, at, out, to) => {
    const d = half(b, at);
    const dMinimum = half(b, at + 2);
    const scales = at + 4;
    const fifth = at + 16;
    const nibble = fifth + (hasFifthBit ? 32 : 0);
    for (let group = 0; group < 8; group++) {
      const [scale, minimum] = sixBits(b, scales, group);
      const dg = d * scale;
      const mg = dMinimum * minimum;
      const shift = (group & 1) * 4;
      const from = nibble + (group >> 1) * 32;
      for (let i = 0; i < 32; i++) {
        const extra = hasFifthBit ? ((b[fifth + i]! >> group) & 1) << 4 : 0;
        out[to + group * 32 + i] = dg * (((b[from + i]! >> shift) & 15) | extra) - mg;
      }
    }
  };

/** Scale and minimum of a group, packed as 6 bits each into 12 bytes. */
function sixBits(b: Uint8Array, at: number, group: number): [number, number] {
  if (group < 4) return [b[at + group]! & 63, b[at + group + 4]! & 63];
  const low = b[at + group + 4]!;
  return [(low & 15) | ((b[at + group - 4]! >> 6) << 4), (low >> 4) | ((b[at + group]! >> 6) << 4)];
}

/**
 * Q6_K: 256 elements as sixteen groups of 16 with an 8-bit scale; low four bits, high two bits,
 * scales, then the scale of all.
 */
const q6_k: Dequantise = (b, at, out, to) => {
  const d = half(b, at + 208);
  for (let i = 0; i < 256; i++) {
    const part = i >> 7;
    const quarter = (i >> 5) & 3;
    const lane = i & 31;
    const low = (b[at + part * 64 + (quarter & 1) * 32 + lane]! >> ((quarter >> 1) * 4)) & 15;
    const high = (b[at + 128 + part * 32 + lane]! >> (quarter * 2)) & 3;
    const scale = (b[at + 192 + (i >> 4)]! << 24) >> 24;
    out[to + i] = d * scale * ((low | (high << 4)) - 32);
  }
};

const f32: Dequantise = (b, at, out, to) => {
  out[to] = asFloat(b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24));
};
const f16: Dequantise = (b, at, out, to) => {
  out[to] = half(b, at);
};
const bf16: Dequantise = (b, at, out, to) => {
  out[to] = asFloat((b[at]! << 16) | (b[at + 1]! << 24));
};

/** The types that are read, by their number in the file; layouts as in ggml's `ggml-common.h`. */
export const BLOCK_TYPES: ReadonlyMap<number, BlockType> = new Map([
  [0, { name: 'F32', size: 1, bytes: 4, dequantise: f32 }],
  [1, { name: 'F16', size: 1, bytes: 2, dequantise: f16 }],
  [2, { name: 'Q4_0', size: 32, bytes: 18, dequantise: nibbles(false, false) }],
  [3, { name: 'Q4_1', size: 32, bytes: 20, dequantise: nibbles(true, false) }],
  [6, { name: 'Q5_0', size: 32, bytes: 22, dequantise: nibbles(false, true) }],
  [7, { name: 'Q5_1', size: 32, bytes: 24, dequantise: nibbles(true, true) }],
  [8, { name: 'Q8_0', size: 32, bytes: 34, dequantise: q8_0 }],
  [12, { name: 'Q4_K', size: 256, bytes: 144, dequantise: superBlock(false) }],
  [13, { name: 'Q5_K', size: 256, bytes: 176, dequantise: superBlock(true) }],
  [14, { name: 'Q6_K', size: 256, bytes: 210, dequantise: q6_k }],
  [30, { name: 'BF16', size: 1, bytes: 2, dequantise: bf16 }],
]);

/** Names of types that exist but are not read, for the error. */
export const OTHER_TYPES: Readonly<Record<number, string>> = {
  9: 'Q8_1',
  10: 'Q2_K',
  11: 'Q3_K',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  20: 'IQ4_NL',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  29: 'IQ1_M',
  34: 'TQ1_0',
  35: 'TQ2_0',
  39: 'MXFP4',
};
