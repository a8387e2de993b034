import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../../src/backend/tf.js';
import { causalBias, packedBias } from '../../../src/ops/attention.js';
import { flashAttention } from '../../../src/ops/flash-attention.js';
import {
  type CudnnAttention,
  cudnnAttention,
  cudnnConfig,
  cudnnTarget,
} from '../../../src/program/captured/cudnn-attention.js';
import { type GraphNode, node, specOf } from '../../../src/program/captured/graph.js';
import { autocast } from '../../../src/program/captured/passes/autocast.js';
import { lower } from '../../../src/program/captured/passes/lower.js';
import { shareCommon } from '../../../src/program/captured/passes/share.js';
import { record } from '../../../src/program/captured/recorder.js';
import { rootsOf, sortNodes } from '../../../src/program/captured/walk.js';
import { nativeOnly, testBackend } from '../../helpers/backend.js';

beforeAll(async () => {
  await testBackend();
});

interface Reference {
  readonly given: CudnnAttention;
  readonly backward: boolean;
  readonly target: string;
  readonly config: object;
}
/** What JAX writes (scripts/reference/cudnn_attention.py). */
const REFERENCE = JSON.parse(readFileSync('tests/fixtures/cudnn-attention.json', 'utf8')) as Reference[];

test.each(REFERENCE)('$target of $given is JAX’s', ({ given, backward, target, config }) => {
  // With a bias the window is part of it.
  expect(cudnnConfig(given, backward)).toEqual(config);
  expect(cudnnTarget(given, backward)).toBe(target);
});

interface Shape {
  readonly heads?: number;
  readonly keys?: number;
  readonly t?: number;
  readonly h?: number;
  readonly window?: number;
}

/** Custom calls of a value and its gradients, in the types that they are asked for. */
function calls(packed: boolean, { heads = 4, keys = 2, t = 16, h = 8, window }: Shape = {}): GraphNode[] {
  const float = (n: number) => ({ shape: [3, n, t, h], dtype: 'float32' as const });
  const inputs = { q: float(heads), k: float(keys), v: float(keys), direction: float(heads) };
  const positions = { positions: { shape: [3, t], dtype: 'int32' as const } };
  const recorded = record(
    'test',
    {
      inputs: { ...inputs, ...positions },
      run(_, { q, k, v, direction, positions }) {
        const mask = packed
          ? { bias: packedBias(positions!, window), positions, window }
          : { bias: causalBias(t, window), window };
        const { value, grads } = tf.valueAndGrads((q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) =>
          tf.sum(tf.mul(flashAttention(q, k, v, mask), direction!)),
        )([q!, k!, v!]);
        return { outputs: { value, dq: grads[0]!, dk: grads[1]!, dv: grads[2]! } };
      },
    },
    {},
    { ...inputs, ...positions },
  );
  const graph = shareCommon(
    autocast(shareCommon(lower(recorded, (composite) => cudnnAttention(composite))), new Set()),
  );
  return sortNodes(rootsOf(graph)).filter(({ op }) => op === 'XlaCustomCallV2');
}

const LOW = (shape: readonly number[]) => ({ shape, dtype: 'bfloat16' });
const [Q, K, BIAS] = [LOW([3, 4, 16, 8]), LOW([3, 2, 16, 8]), LOW([3, 1, 16, 16])];
const STATS = { shape: [3, 4, 16], dtype: 'float32' };
const WORKSPACE = { shape: [0], dtype: 'uint8' };

describe('attention becomes two custom calls', () => {
  nativeOnly('of a causal mask where a line is one text', () => {
    const [forward, backward] = calls(false) as [GraphNode, GraphNode];
    expect(forward.attributes).toMatchObject({
      call_target_name: { string: '__cudnn$fmhaSoftmax' },
      operand_dtypes: { types: ['bfloat16', 'bfloat16', 'bfloat16'] },
      result_shapes: { shapes: [Q.shape, STATS.shape, [0]] },
    });
    expect(forward.inputs.map(specOf)).toEqual([Q, K, K]);
    expect(forward.outputs).toEqual([Q, STATS, WORKSPACE]);
    expect(backward.inputs.map(specOf)).toEqual([Q, K, K, STATS, Q, Q]);
    expect(backward.outputs).toEqual([Q, K, K, WORKSPACE]);
    // The result is the last operand, the slope the one before.
    expect(backward.inputs[5]).toEqual({ node: forward, output: 0 });
    expect(backward.inputs[3]).toEqual({ node: forward, output: 1 });
  });

  nativeOnly('of a bias where a line holds several', () => {
    const [forward, backward] = calls(true) as [GraphNode, GraphNode];
    expect([forward, backward].map(({ attributes }) => attributes.call_target_name)).toEqual([
      { string: '__cudnn$fmhaScaleBiasSoftmax' },
      { string: '__cudnn$fmhaScaleBiasSoftmaxBackward' },
    ]);
    expect(forward.inputs.map(specOf)).toEqual([Q, K, K, BIAS]);
    expect(backward.inputs.map(specOf)).toEqual([Q, K, K, STATS, Q, BIAS, Q]);
    expect(backward.inputs[6]).toEqual({ node: forward, output: 0 });
    expect(backward.inputs[5]).toEqual(forward.inputs[3]);
  });

  nativeOnly('with a window that is the mask’s, or part of the bias', () => {
    const windows = (packed: boolean) =>
      calls(packed, { window: 5 }).map(({ attributes: { backend_config } }) => {
        const config = JSON.parse((backend_config as { string: string }).string);
        return config.cudnn_fmha_backend_config.sliding_window_length;
      });
    expect(windows(false)).toEqual([5, 5]);
    expect(windows(true)).toEqual([0, 0]);
  });

  nativeOnly('unless cuDNN has no kernel for it', () => {
    expect(calls(true, { t: 15 })).toHaveLength(0);
    expect(calls(false, { t: 15 })).toHaveLength(2);
    expect(calls(false, { h: 12 })).toHaveLength(0);
    expect(calls(false, { h: 264 })).toHaveLength(0);
    expect(calls(false, { h: 256 })).toHaveLength(2);
  });

  test('other composites stay what they are', () => {
    expect(cudnnAttention(node('Other', {}, [], []))).toBeUndefined();
  });
});
