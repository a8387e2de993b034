import { beforeAll, describe, test } from 'vitest';
import * as tf from '../../src/backend/tf.js';
import { attention, causalBias } from '../../src/ops/attention.js';
import { flashAttention } from '../../src/ops/flash-attention.js';
import { linearCrossEntropy, linearCrossEntropySum } from '../../src/ops/linear-cross-entropy.js';
import { rmsNorm } from '../../src/ops/rms-norm.js';
import { ropeHeads, ropeTables } from '../../src/ops/rope.js';
import { swiglu } from '../../src/ops/swiglu.js';
import { takeRows } from '../../src/ops/take-rows.js';
import { testBackend } from '../helpers/backend.js';
import { disturbedRuns, expectNear } from '../helpers/disturbed.js';
import { disturbed, expectSame, host, normal, type Op } from './same-op.js';

describe("an op's value and gradient equal its formula's", () => {
  beforeAll(() => testBackend());

  test('rmsNorm', () => {
    const plain: Op = (x, w) => tf.mul(tf.div(x, tf.sqrt(tf.add(tf.mean(tf.mul(x, x), -1, true), 1e-5))), w);
    return expectSame((x, w) => rmsNorm(x, w, 1e-5), plain, [normal('x', 5, 12), normal('w', 12)]);
  });

  test('swiglu', () => {
    const plain: Op = (g, u) => tf.mul(tf.div(g, tf.add(1, tf.exp(tf.neg(g)))), u);
    return expectSame((g, u) => swiglu(g, u), plain, [normal('g', 4, 7), normal('u', 4, 7)]);
  });

  test('heads with rope', () => {
    const positions = tf.tensor2d([[0, 1, 2, 9]], [1, 4], 'int32');
    const tables = ropeTables(positions, [1, 0.1, 0.01]);
    const plain: Op = (flat) => {
      const x = tf.transpose(tf.reshape(flat, [2, 4, 3, 6]), [0, 2, 1, 3]);
      const [a, b] = [tf.slice(x, [0, 0, 0, 0], [-1, -1, -1, 3]), tf.slice(x, [0, 0, 0, 3], [-1, -1, -1, 3])];
      const angle = tf.reshape(
        tf.mul(tf.reshape(tf.cast(positions, 'float32'), [4, 1]), tf.tensor1d([1, 0.1, 0.01])),
        [1, 1, 4, 3],
      );
      const [c, s] = [tf.cos(angle), tf.sin(angle)];
      return tf.concat([tf.sub(tf.mul(a, c), tf.mul(b, s)), tf.add(tf.mul(b, c), tf.mul(a, s))], -1);
    };
    return expectSame((x) => ropeHeads(x, 2, 3, tables), plain, [normal('x', 8, 18)]);
  });

  test.each([
    ['every head its own keys', 2, undefined, 5],
    ['three query heads to a key head', 6, undefined, 5],
    ['sliding window', 4, 2, 5],
    ['long and causal: in two blocks', 4, undefined, 128],
    ['long and causal with a sliding window', 4, 70, 128],
  ])('attention: %s', async (_name, heads, window, t) => {
    const bias = causalBias(t, window);
    const plain: Op = (q, k, v) => {
      const repeat = (x: tf.Tensor) =>
        tf.concat(
          tf.split(x, 2, 1).flatMap((head) => Array(heads / 2).fill(head)),
          1,
        );
      const scores = tf.add(tf.mul(tf.matMul(q, repeat(k), false, true), 1 / Math.sqrt(8)), bias);
      return tf.matMul(tf.softmax(scores), repeat(v));
    };
    const inputs = [normal('q', 2, heads, t, 8), normal('k', 2, 2, t, 8), normal('v', 2, 2, t, 8)];
    await expectSame((q, k, v) => attention(q, k, v, bias, true), plain, inputs);
    await expectSame((q, k, v) => flashAttention(q, k, v, { bias, window }), plain, inputs);
  });

  test('takeRows adds up the parts of a row taken twice', () => {
    const indices = tf.tensor1d([2, 0, 2], 'int32');
    const plain: Op = (x) => tf.matMul(tf.oneHot(indices, 4).cast('float32') as tf.Tensor2D, x as tf.Tensor2D);
    return expectSame((x) => takeRows(x, indices), plain, [normal('x', 4, 3)]);
  });

  test.each([5, 1100])('linear cross-entropy over %i positions, head trained', async (m) => {
    const labels = tf.tensor1d(
      Int32Array.from({ length: m }, (_, i) => (i * 7) % 11),
      'int32',
    );
    const weights = tf.abs(normal('weights', m));
    const target = tf.oneHot(labels, 11).cast('float32');
    const each: Op = (h, w) =>
      tf.neg(tf.sum(tf.mul(tf.logSoftmax(tf.matMul(h as tf.Tensor2D, w as tf.Tensor2D, false, true)), target), -1));
    const inputs = [normal('h', m, 6), normal('head', 11, 6)];
    const plain: Op = (h, w) => tf.sum(tf.mul(each(h, w), weights));
    await expectSame((h, w) => linearCrossEntropySum(h, w, labels, weights, true), plain, inputs);
    const frozen: Op = (h) => linearCrossEntropySum(h, inputs[1]!, labels, weights, false);
    await expectSame(frozen, (h) => plain(h, inputs[1]!), [inputs[0]!]);
    const draws = await disturbedRuns(async (seed) => host(each(...disturbed(inputs, seed))));
    expectNear(host(linearCrossEntropy(inputs[0]!, inputs[1]!, labels)), host(each(...inputs)), draws);
  });
});
