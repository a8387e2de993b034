import type { Precision } from '../compile-options.js';
import { type GraphNode, node, specOf, type TensorRef } from './graph.js';
import { nativeAttention } from './native-attention.js';

/**
 * Rows up to which a product is a matter of reading the other factor from memory, and the library's
 * kernels for large matrices take longer than ours.
 */
const FEW_ROWS = 32;

/**
 * The kernel of ours (`backend/native/kernels`) that computes what a node does, faster than the
 * library's ops: a reference for each of the node's outputs. Undefined where there is none.
 */
export function nativeKernel(given: GraphNode, precision: Precision): readonly TensorRef[] | undefined {
  return nativeAttention(given, precision) ?? rowProducts(given);
}

/** A product of few rows. */
function rowProducts({ op, attributes, inputs, outputs, cluster }: GraphNode): readonly TensorRef[] | undefined {
  if (op !== 'MatMul' || cluster !== undefined) return undefined;
  const [x, w] = inputs as [TensorRef, TensorRef];
  const isSet = (name: string) => {
    const value = attributes[name];
    return value !== undefined && 'bool' in value && value.bool;
  };
  const [rows] = specOf(x).shape as [number];
  if (isSet('transpose_a') || !isSet('transpose_b') || rows > FEW_ROWS || outputs[0]!.dtype !== 'float32')
    return undefined;
  return [{ node: node('PhasetuneRowProducts', { T: { type: 'float32' } }, [x, w], outputs), output: 0 }];
}
