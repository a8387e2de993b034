import { type HostTensor, sizeOf } from '../../core/host-tensor.js';
import type { Room } from './quantize-rows.js';

/**
 * Weights in 4 bits as QLoRA holds them (Dettmers et al. 2023, arXiv 2305.14314), with the values of bitsandbytes'
 * `quantize_4bit` for NF4 with `compress_statistics`: elements of the flattened tensor in blocks of 64, each with a
 * scale, the scales in 8 bits.
 */
export interface QuantizedNf4 {
  /**
   * Places in {@link NF4}, two in a byte: the low four bits hold the first half of the elements, filled up to whole
   * blocks with zeros, the high four the second half. Lies in {@link words}.
   */
  readonly codes: Uint8Array;
  /** The same bytes as 32-bit words. */
  readonly words: Int32Array;
  /** Places in {@link DYNAMIC_MAP}, one for each block, filled up to whole groups of 256. */
  readonly scales: Uint8Array;
  /** What a group's scales are multiplied by; zeros where a group's scales are all the same. */
  readonly largest: Float32Array;
  /** What is added to the product: the mean of all scales. */
  readonly offset: number;
}

/** Elements that share a scale. */
export const BLOCK = 64;

/** Scales that share a factor. */
export const GROUP = 256;

/** The 16 values of an element, of which a block's scale is a multiple: bitsandbytes' table, as float32. */
export const NF4: readonly number[] = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
];

/** Place of the value zero in {@link NF4}. */
export const NF4_ZERO = 7;

/** The 256 values of a scale, in ascending order: bitsandbytes' `create_dynamic_map`, as float32. */
export const DYNAMIC_MAP: Float32Array = dynamicMap();

/** Place of the value zero in {@link DYNAMIC_MAP}. */
export const DYNAMIC_ZERO = 127;

/** Seven decades, of which the smallest has one step of each sign and every other twice as many as the one below. */
function dynamicMap(): Float32Array {
  const f = Math.fround;
  const values = [0, 1];
  for (let decade = 0; decade < 7; decade++) {
    const steps = 2 ** decade;
    const step = f(f(1 - f(0.1)) / steps);
    const bound = (i: number) => f(i < Math.floor((steps + 1) / 2) ? f(0.1) + i * step : 1 - (steps - i) * step);
    for (let i = 0; i < steps; i++) {
      const value = f(f(10 ** (decade - 6)) * f(f(bound(i) + bound(i + 1)) / 2));
      values.push(value, -value);
    }
  }
  return Float32Array.from(values).sort();
}

/** Values halfway between neighbours; what lies on one goes down. */
const midpoints = (values: ArrayLike<number>): Float32Array =>
  Float32Array.from({ length: values.length - 1 }, (_, i) => Math.fround(values[i]! + values[i + 1]!) / 2);

/** Bins of -1 to 1. All but those with a midpoint of {@link NF4} in them have one place. */
const BINS = 4096;
/** Says of a bin that it has a midpoint in it. */
const DIVIDED = 16;
const LIMITS = midpoints(NF4);

/** Place of the values of each bin; of those below the midpoint in a divided one. */
const PLACES = Uint8Array.from({ length: BINS + 1 }, (_, bin) => {
  const [from, to] = [(2 * bin) / BINS - 1, (2 * (bin + 1)) / BINS - 1];
  const below = LIMITS.filter((limit) => limit < from).length;
  return below + (LIMITS.some((limit) => limit >= from && limit <= to) ? DIVIDED : 0);
});

/** What bitsandbytes takes for the scale of a block that has none, so as not to divide by it. */
const SMALLEST = Math.fround(1e-38);

/**
 * Quantizes a tensor. Throws a RangeError that names the row of a matrix where a value is not finite. `room` is where
 * the elements go; by default it is new.
 */
export function quantizeNf4(
  { shape, data }: HostTensor<'float32'>,
  room: Room = (words) => new Int32Array(words),
): QuantizedNf4 {
  const blocks = Math.ceil(sizeOf(shape) / BLOCK);
  const half = (blocks * BLOCK) / 2;
  const words = room(half / 4);
  const codes = new Uint8Array(words.buffer, words.byteOffset, half);
  const scales = new Float32Array(blocks);
  const whole = Math.floor(data.length / BLOCK);
  for (let block = 0; block < whole; block++) {
    const start = block * BLOCK;
    scales[block] = largestMagnitude(data, start, start + BLOCK, shape);
    placeBlock(data, start, scales[block]!, codes);
  }
  if (whole < blocks) scales[whole] = placeRest(data, whole * BLOCK, shape, codes);
  return { codes, words, ...quantizeScales(scales) };
}

const SIGN = 0x7fffffff;
const INFINITY = 0x7f800000;
const bits = new Int32Array(1);
const asFloat = new Float32Array(bits.buffer);

/** Magnitudes are in the order of their bits. */
function largestMagnitude(data: Float32Array, from: number, to: number, [, columns = 1]: readonly number[]): number {
  const words = new Int32Array(data.buffer, data.byteOffset, data.length);
  let largest = 0;
  for (let i = from; i < to; i++) {
    const magnitude = words[i]! & SIGN;
    if (magnitude > largest) largest = magnitude;
  }
  if (largest >= INFINITY) {
    const at = data.findIndex((x, i) => i >= from && !Number.isFinite(x));
    throw new RangeError(`row ${Math.floor(at / columns)}: expected finite values, found ${data[at]}`);
  }
  bits[0] = largest;
  return asFloat[0]!;
}

/** Puts the places of a whole block's elements where they belong. */
function placeBlock(data: Float32Array, start: number, scale: number, codes: Uint8Array): void {
  const inverse = Math.fround(1 / Math.max(scale, SMALLEST));
  const half = codes.length;
  const middle = Math.min(start + BLOCK, Math.max(start, half));
  for (let i = start; i < middle; i++) codes[i] = placeOf(Math.fround(data[i]! * inverse));
  for (let i = middle; i < start + BLOCK; i++) codes[i - half]! |= placeOf(Math.fround(data[i]! * inverse)) << 4;
}

/** Place of the value of {@link NF4} that is nearest to one of -1 to 1, or next to it for rounding. */
function placeOf(x: number): number {
  const place = PLACES[((x + 1) * (BINS / 2)) | 0]!;
  return place < DIVIDED ? place : place - DIVIDED + (x > LIMITS[place - DIVIDED]! ? 1 : 0);
}

/** Places the elements of a last block that is not whole, as bitsandbytes does: they are divided. */
function placeRest(data: Float32Array, start: number, shape: readonly number[], codes: Uint8Array): number {
  const scale = Math.max(largestMagnitude(data, start, data.length, shape), SMALLEST);
  const block = new Float32Array(BLOCK).map((_, i) => (data[start + i] ?? 0) / scale);
  const half = codes.length;
  for (const [i, x] of block.entries()) {
    const at = start + i;
    if (at < half) codes[at] = placeOf(x);
    else codes[at - half]! |= placeOf(x) << 4;
  }
  return scale;
}

const SCALE_LIMITS = midpoints(DYNAMIC_MAP);

/**
 * Scales in 8 bits, less their mean. bitsandbytes sums the mean in float32 in an order that depends on the device; here
 * it is rounded once. The nearest value is exact, as in bitsandbytes' kernels for cards; its library for the processor
 * rounds to steps of 2^-15 first, from 0.50 on.
 */
function quantizeScales(scales: Float32Array): Pick<QuantizedNf4, 'scales' | 'largest' | 'offset'> {
  const offset = Math.fround(scales.reduce((sum, x) => sum + x, 0) / scales.length);
  const groups = Math.ceil(scales.length / GROUP);
  const places = new Uint8Array(groups * GROUP).fill(DYNAMIC_ZERO);
  const largest = new Float32Array(groups);
  for (let group = 0; group < groups; group++) {
    const rest = scales.subarray(group * GROUP, (group + 1) * GROUP).map((x) => x - offset);
    largest[group] = rest.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const inverse = Math.fround(1 / Math.max(largest[group]!, SMALLEST));
    for (const [i, x] of rest.entries()) places[group * GROUP + i] = nearestScale(Math.fround(x * inverse));
  }
  return { scales: places, largest, offset };
}

/** Place of the nearest value of {@link DYNAMIC_MAP}. */
function nearestScale(x: number): number {
  let [low, high] = [0, SCALE_LIMITS.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x > SCALE_LIMITS[middle]!) low = middle + 1;
    else high = middle;
  }
  return low;
}
