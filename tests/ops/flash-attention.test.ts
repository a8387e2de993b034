import { beforeAll, expect, test } from 'vitest';
import * as tf from '../../src/backend/tf.js';
import { attention, causalBias, packedBias } from '../../src/ops/attention.js';
import { flashAttention, type Mask } from '../../src/ops/flash-attention.js';
import { peakBytes } from '../../src/program/captured/memory.js';
import { lower } from '../../src/program/captured/passes/lower.js';
import { shareCommon } from '../../src/program/captured/passes/share.js';
import { record } from '../../src/program/captured/recorder.js';
import { rootsOf, sortNodes } from '../../src/program/captured/walk.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';
import { expectSame, host, normal } from './same-op.js';

beforeAll(async () => {
  await testBackend();
});

const operands = (b: number, n: number, k: number, t: number, h = 8): tf.Tensor[] => [
  normal('q', b, n, t, h),
  normal('k', b, k, t, h),
  normal('v', b, k, t, h),
];

/** Texts of these lengths one after another, then padding. */
function positionsOf(lines: readonly (readonly number[])[], t: number): tf.Tensor {
  const all = lines.map((lengths) => {
    const line = lengths.flatMap((length) => Array.from({ length }, (_, i) => i));
    return [...line, ...Array<number>(t - line.length).fill(0)];
  });
  return tf.tensor2d(all, [lines.length, t], 'int32');
}

test.each([
  ['rows in a line', 6, 2, 37, undefined],
  ['rows in a line, a window', 2, 2, 40, 5],
  ['rows in a line, in two halves', 4, 1, 128, undefined],
  ['rows in a line, in two halves, a window', 4, 4, 128, 70],
])('%s: value and gradient are those of attention that keeps its probabilities', async (_, n, k, t, window) => {
  const positions = positionsOf([[t], [9, t - 20, 6]], t);
  const bias = packedBias(positions, window);
  const inputs = operands(2, n, k, t);
  await expectSame(
    (q, k, v) => flashAttention(q, k, v, { bias, positions, window }),
    (q, k, v) => attention(q, k, v, bias, true),
    inputs,
  );
  // The forward pass is the same one.
  const [q, key, v] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor];
  expect(host(flashAttention(q, key, v, { bias, positions, window }))).toEqual(host(attention(q, key, v, bias, true)));
});

test('a long line, whose queries are worked through in blocks, the last of them smaller', async () => {
  const t = 4096 + 700;
  const positions = positionsOf([[1500, 3000]], t);
  const bias = packedBias(positions);
  await expectSame(
    (q, k, v) => flashAttention(q, k, v, { bias, positions }),
    (q, k, v) => attention(q, k, v, bias, true),
    operands(1, 1, 1, t, 4),
  );
}, 60_000);

/** The graph of a value and its gradients. */
function recorded(t: number, attend: (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) => tf.Tensor) {
  const names = ['q', 'k', 'v', 'direction'];
  const specs = Object.fromEntries(names.map((name) => [name, { shape: [1, 2, t, 8], dtype: 'float32' as const }]));
  return record(
    'test',
    {
      inputs: specs,
      run(_, { q, k, v, direction }) {
        const { value, grads } = tf.valueAndGrads((q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) =>
          tf.sum(tf.mul(attend(q, k, v), direction!)),
        )([q!, k!, v!]);
        return { outputs: { value, dq: grads[0]!, dk: grads[1]!, dv: grads[2]! } };
      },
    },
    {},
    specs,
  );
}

const causal = (t: number): Mask => ({ bias: causalBias(t) });
const nodesOf = (graph: ReturnType<typeof recorded>) => sortNodes(rootsOf(graph));
const peak = (graph: ReturnType<typeof recorded>) => peakBytes(nodesOf(shareCommon(lower(graph, () => undefined))));

nativeOnly('a recorded graph has one node for each direction, and none of the bias where a line is one text', () => {
  const graph = recorded(64, (q, k, v) => flashAttention(q, k, v, causal(64)));
  const flash = nodesOf(graph).filter(({ op }) => op.startsWith('Flash'));
  expect(flash.map(({ op, inputs, outputs }) => [op, inputs.length, outputs.map(({ shape }) => shape)])).toEqual([
    [
      'FlashForward',
      3,
      [
        [1, 2, 64, 8],
        [1, 2, 64],
      ],
    ],
    ['FlashBackward', 6, Array(3).fill([1, 2, 64, 8])],
  ]);
  expect(nodesOf(graph).some(({ op }) => op === 'Softmax')).toBe(false);
  expect(nodesOf(lower(graph, () => undefined)).filter(({ op }) => op === 'Softmax')).toHaveLength(1);
});

nativeOnly('memory grows with the length of a long line, not with its square', () => {
  const recompute = [8192, 16384].map((t) => peak(recorded(t, (q, k, v) => flashAttention(q, k, v, causal(t)))));
  const math = [8192, 16384].map((t) => peak(recorded(t, (q, k, v) => attention(q, k, v, causalBias(t), true))));
  expect(math[1]! / math[0]!).toBeGreaterThan(3.9);
  expect(recompute[1]! / recompute[0]!).toBeLessThan(2.2);
  expect(recompute[0]!).toBeLessThan(math[0]! / 3);
});
