import { CACHED_ATTENTION, FLASH_BACKWARD, FLASH_FORWARD } from '../../backend/raw/composite.js';
import type { Precision } from '../compile-options.js';
import { type GraphNode, node, specOf, type TensorRef } from './graph.js';
import { nativeAttention } from './native-attention.js';
import { refsOf } from './passes/rewrite.js';

/**
 * Rows up to which a product is a matter of reading the other factor from memory, and the library's
 * kernels for large matrices take longer than ours.
 */
const FEW_ROWS = 32;

/**
 * The kernel of ours (`backend/native/kernels`) that computes what a node does, faster than the
 * library's ops: a reference for each of the node's outputs. Undefined where there is none. `precision` is that of products.
 */
export function nativeKernel(now: GraphNode, precision: Precision): readonly TensorRef[] | undefined {
  return KERNELS[now.op]?.(now, precision);
}

type Kernel = (now: GraphNode, precision: Precision) => readonly TensorRef[] | undefined;

/** x W^T of few rows. */
const rowProducts: Kernel = ({ attributes, inputs, outputs, cluster }) => {
  const [x, w] = inputs as [TensorRef, TensorRef];
  const isSet = (name: string) => {
    const value = attributes[name];
    return value !== undefined && 'bool' in value && value.bool;
  };
  const [rows] = specOf(x).shape as [number];
  if (cluster !== undefined || isSet('transpose_a') || !isSet('transpose_b')) return undefined;
  if (rows > FEW_ROWS || outputs[0]!.dtype !== 'float32') return undefined;
  return [{ node: node('PhasetuneRowProducts', { T: { type: 'float32' } }, [x, w], outputs), output: 0 }];
};

/** Attention of one new token per row over a cache. */
const cachedAttention: Kernel = ({ attributes: { window }, inputs, outputs }) => {
  const given = inputs.slice(0, 8);
  const [q, , , , , cos] = given.map((input) => specOf(input).shape);
  const size = outputs[1]!.shape[1]!;
  if (q![0] !== cos![0] || cos![2] !== 1 || size % 2 !== 0) return undefined;
  return refsOf(node('PhasetuneCachedAttention', { T: { type: 'float32' }, window: window! }, given, outputs));
};

/** Cross-entropy and its gradient, row by row, which nothing as large as the logits is kept for. */
const crossEntropy: Kernel = ({ inputs, outputs }) =>
  refsOf(node('PhasetuneCrossEntropy', { T: { type: 'float32' } }, inputs, outputs));

const KERNELS: Readonly<Record<string, Kernel>> = {
  MatMul: rowProducts,
  SparseSoftmaxCrossEntropyWithLogits: crossEntropy,
  [CACHED_ATTENTION]: cachedAttention,
  [FLASH_FORWARD]: nativeAttention,
  [FLASH_BACKWARD]: nativeAttention,
};
