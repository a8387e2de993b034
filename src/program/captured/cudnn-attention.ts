import { FLASH_BACKWARD, FLASH_FORWARD } from '../../backend/raw/composite.js';
import { type Dtype, type GraphNode, node, specOf, type TensorRef, type TensorSpec } from './graph.js';
import { refsOf } from './passes/rewrite.js';

/** An attention of cuDNN: B lines of T tokens, N heads of H numbers. */
export interface CudnnAttention {
  readonly lines: number;
  readonly heads: number;
  readonly tokens: number;
  readonly headSize: number;
  /** Newest tokens that each sees; 0 for all before it. */
  readonly window: number;
  /** True where a bias hides what a causal mask does not: other texts of the line. The window is part of it then. */
  readonly biased: boolean;
}

/**
 * Largest head that cuDNN has kernels for: on Hopper and newer; before, 128 are the most, and it
 * refuses larger ones.
 */
const LARGEST_HEAD = 256;

/**
 * A composite of causal attention as a custom call of XLA to cuDNN's flash attention, which
 * computes in bfloat16 (Ampere and newer). Undefined for any other composite, and where cuDNN has
 * no kernel: heads that are too large or no multiple of 8, and with a bias an odd number of tokens.
 * `warn` is given the reason then. Targets and operands are those of JAX
 * (`jax/_src/cudnn/fused_attention_stablehlo.py`), whose calls XLA's are.
 */
export function cudnnAttention(
  composite: GraphNode,
  warn?: (message: string) => void,
): readonly TensorRef[] | undefined {
  const backward = composite.op === FLASH_BACKWARD;
  if (!backward && composite.op !== FLASH_FORWARD) return undefined;
  const [q, k, v, ...more] = composite.inputs as [TensorRef, TensorRef, TensorRef, ...TensorRef[]];
  const [lines, heads, tokens, headSize] = specOf(q).shape as [number, number, number, number];
  const { window } = composite.attributes;
  // Forward: q, k, v and the mask. Backward: q, k, v, stats, dO, O and the mask.
  const [bias] = more.slice(backward ? 3 : 0);
  const attention: CudnnAttention = {
    lines,
    heads,
    tokens,
    headSize,
    window: window && 'int' in window ? window.int : 0,
    biased: bias !== undefined,
  };
  if (!isServed(attention)) {
    warn?.(
      `cuDNN has no flash attention for heads of ${headSize} numbers in lines of ${tokens} tokens: \`attention: recompute\` is used there`,
    );
    return undefined;
  }
  const masks = bias ? [bias] : [];
  const [stats, slope, o] = more as [TensorRef, TensorRef, TensorRef];
  const operands = backward ? [q, k, v, stats, slope, ...masks, o] : [q, k, v, ...masks];
  const low = ({ shape }: TensorSpec): TensorSpec => ({ shape, dtype: 'bfloat16' });
  const [queries, keys] = [low(specOf(q)), low(specOf(k))];
  const workspace: TensorSpec = { shape: [0], dtype: 'uint8' };
  const sums: TensorSpec = { shape: [lines, heads, tokens], dtype: 'float32' };
  const results = backward ? [queries, keys, keys, workspace] : [queries, sums, workspace];
  const types = operands.map((operand): Dtype => (backward && operand === stats ? 'float32' : 'bfloat16'));
  const call = node(
    'XlaCustomCallV2',
    {
      call_target_name: { string: cudnnTarget(attention, backward) },
      backend_config: { string: JSON.stringify(cudnnConfig(attention, backward)) },
      has_side_effect: { bool: false },
      operand_dtypes: { types },
      result_dtypes: { types: results.map(({ dtype }) => dtype) },
      result_shapes: { shapes: results.map(({ shape }) => shape) },
    },
    operands,
    results,
  );
  return refsOf(call).slice(0, -1);
}

const isServed = ({ tokens, headSize, biased }: CudnnAttention): boolean =>
  headSize <= LARGEST_HEAD && headSize % 8 === 0 && !(biased && tokens % 2 === 1);

/** Name by which XLA knows the call. */
export const cudnnTarget = ({ biased }: Pick<CudnnAttention, 'biased'>, backward: boolean): string =>
  `__cudnn$fmha${biased ? 'ScaleBias' : ''}Softmax${backward ? 'Backward' : ''}`;

/** The call's `backend_config`, XLA's message `GpuBackendConfig` as JSON. Integers of 64 bits are texts in it. */
export function cudnnConfig(attention: CudnnAttention, backward: boolean): object {
  const { lines, heads, tokens, headSize, window, biased } = attention;
  return {
    operation_queue_id: '0',
    cudnn_fmha_backend_config: {
      algorithm: {
        algo_id: '0',
        math_type: 'TENSOR_OP_MATH',
        tuning_knobs: { 17: '1', 24: '0' },
        is_cudnn_frontend: true,
        workspace_size: '0',
      },
      fmha_scale: 1 / Math.sqrt(headSize),
      intermediate_tensor_shape: scoresShape([lines, heads, tokens, tokens]),
      is_flash_attention: true,
      mask_type: 'CAUSAL',
      ...(backward ? BACKWARD_PRODUCTS : FORWARD_PRODUCTS),
      dropout_rate: 0,
      seed: 42,
      sliding_window_length: biased ? 0 : window,
      max_seg_per_batch: 1,
      is_paged_attention: false,
    },
  };
}

const scoresShape = (shape: readonly number[]): object => ({
  element_type: 'BF16',
  dimensions: shape.map(String),
  tuple_shapes: [],
  layout: {
    dim_level_types: [],
    dim_unique: [],
    dim_ordered: [],
    minor_to_major: ['3', '2', '1', '0'],
    tiles: [],
    element_size_in_bits: '0',
    memory_space: '0',
    index_primitive_type: 'PRIMITIVE_TYPE_INVALID',
    pointer_primitive_type: 'PRIMITIVE_TYPE_INVALID',
    dynamic_shape_metadata_prefix_bytes: '0',
  },
  is_dynamic_dimension: [false, false, false, false],
});

/** A product over these axes of [B, N, ...] each. */
const product = (left: number, right: number): object => ({
  lhs_contracting_dimensions: [String(left)],
  rhs_contracting_dimensions: [String(right)],
  lhs_batch_dimensions: ['0', '1'],
  rhs_batch_dimensions: ['0', '1'],
});

const FORWARD_PRODUCTS = {
  // q k^T, p v
  bmm1_dot_dimension_numbers: product(3, 3),
  bmm2_dot_dimension_numbers: product(3, 2),
};

const BACKWARD_PRODUCTS = {
  // dk, dq, dv, dp
  bmm1_grad_gemm1_dot_dimension_numbers: product(2, 2),
  bmm1_grad_gemm2_dot_dimension_numbers: product(3, 2),
  bmm2_grad_gemm1_dot_dimension_numbers: product(2, 2),
  bmm2_grad_gemm2_dot_dimension_numbers: product(3, 3),
};
