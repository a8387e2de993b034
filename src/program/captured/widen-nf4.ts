import { sizeOf } from '../../core/host-tensor.js';
import { cast, constant, type GraphNode, multiply, ref, specOf, type TensorRef } from './graph.js';
import { add, concat, firstOf, gather, maximum, reshape, scalar } from './graph-nodes.js';
import type { HeldPart, Parts, Put } from './held-parts.js';
import { BLOCK, DYNAMIC_MAP, DYNAMIC_ZERO, GROUP, NF4, NF4_ZERO } from './quantize-nf4.js';

/** What a tensor of this shape is held in as NF4; see `QuantizedNf4`. */
export function nf4Parts(shape: readonly number[]): Parts<HeldPart> {
  const blocks = Math.ceil(sizeOf(shape) / BLOCK);
  const groups = Math.ceil(blocks / GROUP);
  return {
    value: { shape: [(blocks * BLOCK) / 2], dtype: 'uint8', zero: NF4_ZERO * 17 },
    scales: { shape: [groups, GROUP], dtype: 'uint8', zero: DYNAMIC_ZERO },
    largest: { shape: [groups, 1], dtype: 'float32' },
    offset: { shape: [], dtype: 'float32' },
  };
}

/** The lowest finite float32, which no product is below. */
const LOWEST = -(2 - 2 ** -23) * 2 ** 127;

/** One node for all graphs: each has to be written out to tell it from others. */
const table = (value: (byte: number) => number): GraphNode =>
  constant({ shape: [256], dtype: 'float32', values: Array.from({ length: 256 }, (_, byte) => value(byte)) });

/** For each byte, the value of its low four bits, that of its high ones, and that of a scale. */
const LOW = table((byte) => NF4[byte & 15]!);
const HIGH = table((byte) => NF4[byte >> 4]!);
const SCALES = table((byte) => DYNAMIC_MAP[byte]!);

/**
 * The float32 tensor that was quantized as NF4: what bitsandbytes' `dequantize_4bit` gives, to the bit. Halves are
 * joined, not single elements, so that a loop goes through memory in order; and each is looked up by whole bytes, which
 * takes fewer passes than to cut them in two.
 */
export function widenNf4(
  { value, scales, largest, offset }: Parts<TensorRef>,
  shape: readonly number[],
  put: Put,
): TensorRef {
  const size = sizeOf(shape);
  const blocks = Math.ceil(size / BLOCK);
  const lookUp = (table: GraphNode, places: TensorRef) => put(gather(ref(table), places));
  const first = (from: TensorRef, count: number) => {
    const flat = put(reshape(from, [sizeOf(specOf(from).shape)]));
    return count === specOf(flat).shape[0] ? flat : put(firstOf(flat, count));
  };
  const products = put(multiply(lookUp(SCALES, put(cast(scales!, 'int32'))), largest!));
  // XLA makes one rounding of a product and a sum that follows it, and would miss bitsandbytes' values by the last bit.
  const apart = put(maximum(products, ref(scalar(LOWEST, 'float32'))));
  const blockScales = put(reshape(first(put(add(apart, offset!)), blocks), [blocks, 1]));
  const bytes = put(cast(value, 'int32'));
  const all = put(concat(lookUp(LOW, bytes), lookUp(HIGH, bytes)));
  const wide = put(multiply(put(reshape(all, [blocks, BLOCK])), blockScales));
  return put(reshape(first(wide, size), shape));
}
