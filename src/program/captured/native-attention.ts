import { FLASH_BACKWARD, FLASH_FORWARD } from '../../backend/raw/composite.js';
import type { Precision } from '../compile-options.js';
import { BYTES, type Dtype, type GraphNode, node, specOf, type TensorRef, type TensorSpec } from './graph.js';
import { refsOf } from './passes/rewrite.js';

const FORWARD = 'PhasetuneAttention';
const BACKWARD = 'PhasetuneAttentionGradient';

/**
 * A composite of causal attention as the kernel of ours for it (`backend/native/kernels/attention.cc`), with products
 * in `precision`. Undefined for any other node.
 */
export function nativeAttention(composite: GraphNode, precision: Precision): TensorRef[] | undefined {
  const backward = composite.op === FLASH_BACKWARD;
  if (!backward && composite.op !== FLASH_FORWARD) return undefined;
  const given = backward ? 6 : 3;
  // The bias says the same as the positions, with T^2 numbers.
  const [, positions] = composite.inputs.slice(given);
  const operands = [...composite.inputs.slice(0, given), ...(positions ? [positions] : [])];
  const types = operands.map((operand, i): Dtype => {
    if (operand === positions) return 'int32';
    return backward && i === 3 ? 'float32' : precision;
  });
  const results = composite.outputs.map(
    (spec, i): TensorSpec => ({ ...spec, dtype: !backward && i === 0 ? precision : 'float32' }),
  );
  const { window } = composite.attributes;
  const attributes = {
    window: window ?? { int: 0 },
    operand_dtypes: { types },
    result_dtypes: { types: results.map(({ dtype }) => dtype) },
  };
  return refsOf(node(backward ? BACKWARD : FORWARD, attributes, operands, results));
}

/** Sides of the blocks that the kernel works in. */
const [QUERIES, KEYS, UNIT] = [64, 128, 32];
const up = (x: number, unit: number): number => Math.ceil(x / unit) * unit;

/**
 * Bytes that the kernel takes while it runs, besides what each of its threads works in: its operands laid out for
 * products. 0 for any other node.
 */
export function nativeAttentionBytes({ op, inputs }: GraphNode): number {
  if (op !== FORWARD && op !== BACKWARD) return 0;
  const [q, k] = inputs as [TensorRef, TensorRef];
  const [lines, heads, tokens, size] = specOf(q).shape as [number, number, number, number];
  const element = BYTES[specOf(q).dtype];
  const width = up(size, UNIT);
  const queries = lines * heads * up(tokens, QUERIES);
  const keys = lines * specOf(k).shape[1]! * up(tokens, KEYS);
  return op === FORWARD
    ? 2 * keys * width * element
    : (4 * queries + 3 * keys) * width * element + queries * (width + 1) * BYTES.float32;
}
