import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../src/backend/tf.js';
import { random } from '../../src/core/random.js';
import { matrixNames } from '../../src/lora/adapter.js';
import { loraLinear } from '../../src/lora/apply.js';
import { loraOptions, scalingOf } from '../../src/lora/options.js';
import { linear } from '../../src/model/linear.js';
import { testBackend } from '../helpers/backend.js';

const MODULE = 'model.layers.0.self_attn.q_proj';
const names = matrixNames(MODULE);
const { normal } = random(9);
const drawn = (rows: number, columns: number) =>
  tf.tensor2d(
    Array.from({ length: rows * columns }, () => normal()),
    [rows, columns],
  );

beforeAll(async () => {
  await testBackend();
});

describe('without dropout', () => {
  test.each([false, true])('value and gradients are those of the written-out formula (rsLora %s)', async (rsLora) => {
    const options = loraOptions.parse({ rank: 3, alpha: 5, rsLora });
    const [x, w, a, b, slope] = [drawn(6, 8), drawn(4, 8), drawn(3, 8), drawn(4, 3), drawn(6, 4)];
    const bias = tf.tensor1d([1, -2, 3, 0.5]);
    const ours = (x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) =>
      loraLinear(options)(
        { [`${MODULE}.weight`]: w, [`${MODULE}.bias`]: bias, [names.a]: a, [names.b]: b },
        [MODULE],
        x,
      )[0]!;
    const plain = (x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => {
      const change = tf.matMul(b as tf.Tensor2D, a as tf.Tensor2D);
      const merged = tf.add(w, tf.mul(change, scalingOf(options))) as tf.Tensor2D;
      return tf.add(tf.matMul(x as tf.Tensor2D, merged, false, true), bias);
    };
    const run = (f: typeof ours) => {
      const { value, grads } = tf.valueAndGrads((...args: tf.Tensor[]) => {
        const [x, a, b] = args as [tf.Tensor, tf.Tensor, tf.Tensor];
        return tf.sum(tf.mul(f(x, a, b), slope)) as tf.Scalar;
      })([x, a, b]);
      return [f(x, a, b), value, ...grads];
    };
    const [got, want] = [run(ours), run(plain)];
    expect(got.map((t) => t.shape)).toEqual([[6, 4], [], [6, 8], [3, 8], [4, 3]]);
    for (const [i, tensor] of want.entries()) {
      const expected = await tensor.data();
      const actual = await got[i]!.data();
      const limit = 1e-6 * Math.max(...expected.map(Math.abs));
      for (const [j, e] of expected.entries()) expect(Math.abs(actual[j]! - e)).toBeLessThanOrEqual(limit * 10);
    }
  });

  test('a module without an adapter is the plain projection, bit for bit', async () => {
    const weights = { [`${MODULE}.weight`]: drawn(4, 8) };
    const x = drawn(6, 8);
    const got = loraLinear(loraOptions.parse({ dropout: 0.5 }), tf.scalar(1, 'int32'))(weights, [MODULE], x)[0]!;
    expect(await got.data()).toEqual(await linear(weights, [MODULE], x)[0]!.data());
  });
});

describe('dropout', () => {
  const [rows, width, share] = [200, 50, 0.3];
  const other = 'model.layers.1.self_attn.q_proj';
  const identity = tf.eye(width);

  /** With a zero weight and A = B = identity the projection of ones is the mask itself. */
  function mask(module: string, seed: number | undefined, dropout = share) {
    const { a, b } = matrixNames(module);
    const weights = { [`${module}.weight`]: tf.zeros([width, width]), [a]: identity, [b]: identity };
    const project = loraLinear(
      { rank: width, alpha: width, rsLora: false, dropout },
      seed === undefined ? undefined : tf.scalar(seed, 'int32'),
    );
    return (x: tf.Tensor) => project(weights, [module], x)[0]!;
  }
  const ones = () => tf.ones([rows, width]);
  const bits = async (module: string, seed: number | undefined, dropout?: number) =>
    (await mask(module, seed, dropout)(ones()).data()) as Float32Array;

  test('drops the share asked for and scales the rest, so that the mean stays', async () => {
    const got = await bits(MODULE, 5);
    const kept = got.filter((x) => x !== 0);
    for (const x of kept) expect(x).toBeCloseTo(1 / (1 - share), 5);
    // 10,000 draws: four standard errors are 0.018.
    expect(Math.abs(1 - kept.length / got.length - share)).toBeLessThan(0.018);
  });

  test('the same seed gives the same bits; another seed or another module another mask', async () => {
    const first = await bits(MODULE, 5);
    expect(await bits(MODULE, 5)).toEqual(first);
    for (const different of [await bits(MODULE, 6), await bits(other, 5)]) {
      const agree = different.filter((x, i) => (x === 0) === (first[i] === 0)).length / first.length;
      // Independent masks agree on 0.3 * 0.3 + 0.7 * 0.7 = 0.58 of the places.
      expect(Math.abs(agree - 0.58)).toBeLessThan(0.02);
    }
  });

  test('without a seed, or with a share of 0, nothing is dropped', async () => {
    for (const got of [await bits(MODULE, undefined), await bits(MODULE, 5, 0)])
      expect(got.every((x) => x === 1)).toBe(true);
  });

  test('the gradient goes through the same mask as the value', async () => {
    const project = mask(MODULE, 11);
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => tf.sum(project(x)) as tf.Scalar)(ones());
    expect(await grad.data()).toEqual(await bits(MODULE, 11));
    const total = (await bits(MODULE, 11)).reduce((sum, x) => sum + x, 0);
    // WASM adds 10,000 numbers one after the other in float32.
    expect(Math.abs((await value.data())[0]! - total) / total).toBeLessThan(1e-4);
  });

  test('gradients of A and B see the dropped inputs', async () => {
    const [r, m] = [3, 6];
    const [x, w, a, b] = [drawn(m, width), drawn(4, width), drawn(r, width), drawn(4, r)];
    const dropped = tf.mul(x, mask(MODULE, 2)(tf.ones([m, width])));
    const options = { rank: r, alpha: 6, rsLora: false, dropout: share };
    const run = (project: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor) =>
      tf.grads((...args: tf.Tensor[]) => tf.sum(tf.square(project(args[0]!, args[1]!))) as tf.Scalar)([a, b]);
    const got = run(
      (a, b) =>
        loraLinear(options, tf.scalar(2, 'int32'))(
          { [`${MODULE}.weight`]: w, [names.a]: a, [names.b]: b },
          [MODULE],
          x,
        )[0]!,
    );
    const want = run((a, b) => {
      const low = tf.matMul(dropped as tf.Tensor2D, a as tf.Tensor2D, false, true);
      const y = tf.matMul(x, w, false, true);
      return tf.add(y, tf.mul(tf.matMul(low, b as tf.Tensor2D, false, true), 2));
    });
    for (const [i, tensor] of want.entries()) {
      const expected = await tensor.data();
      const actual = await got[i]!.data();
      const limit = 1e-5 * Math.max(...expected.map(Math.abs));
      for (const [j, e] of expected.entries()) expect(Math.abs(actual[j]! - e)).toBeLessThanOrEqual(limit);
    }
  });
});
