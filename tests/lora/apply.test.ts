import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../src/backend/tf.js';
import { random } from '../../src/core/random.js';
import { matrixNames } from '../../src/lora/adapter.js';
import { loraLinear } from '../../src/lora/apply.js';
import { loraOptions, scalingOf } from '../../src/lora/options.js';
import { linear } from '../../src/model/linear.js';
import { testBackend } from '../helpers/backend.js';
import { disturb, disturbedRuns, expectNear } from '../helpers/disturbed.js';
import { gamma, typicalError } from '../helpers/rounding.js';

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

/** Disturbs tensors as sums of `n` products are off. */
const disturbedBy =
  (seed: number, n: number) =>
  (x: tf.Tensor, i: number): tf.Tensor2D => {
    const data = Float32Array.from(x.dataSync() as Float32Array);
    disturb(data, `${seed} ${i}`, typicalError(n));
    return tf.tensor(data, x.shape as [number, number]);
  };

/** Every tensor is as near to what is wanted as what comes of disturbed inputs. */
async function expectAllNear(
  got: readonly tf.Tensor[],
  want: readonly tf.Tensor[],
  disturbed: (seed: number) => readonly tf.Tensor[],
): Promise<void> {
  const data = (tensors: readonly tf.Tensor[]) => tensors.map((t) => t.dataSync() as Float32Array);
  const draws = await disturbedRuns(async (seed) => data(disturbed(seed)));
  const actual = data(got);
  for (const [i, expected] of data(want).entries())
    expectNear(
      actual[i]!,
      expected,
      draws.map((draw) => draw[i]!),
      `tensor ${i}`,
    );
}

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
    const run = (f: typeof ours, inputs = [x, a, b]) => {
      const { value, grads } = tf.valueAndGrads((...args: tf.Tensor[]) => {
        const [x, a, b] = args as [tf.Tensor, tf.Tensor, tf.Tensor];
        return tf.sum(tf.mul(f(x, a, b), slope)) as tf.Scalar;
      })(inputs);
      const [first, second, third] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor];
      return [f(first, second, third), value, ...grads];
    };
    const [got, want] = [run(ours), run(plain)];
    expect(got.map((t) => t.shape)).toEqual([[6, 4], [], [6, 8], [3, 8], [4, 3]]);
    // The longest sum is over the 24 elements of the result.
    await expectAllNear(got, want, (seed) => run(plain, [x, a, b].map(disturbedBy(seed, 24))));
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
    // Rounded are the share, the difference and the quotient, and a product with ones.
    for (const x of kept) expect(Math.abs(x * (1 - share) - 1)).toBeLessThan(gamma(6));
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
    // Up to 10,000 numbers of one sign are added up.
    expect(Math.abs((await value.data())[0]! - total) / total).toBeLessThan(gamma(rows * width));
  });

  test('gradients of A and B see the dropped inputs', async () => {
    const [r, m] = [3, 6];
    const [x, w, a, b] = [drawn(m, width), drawn(4, width), drawn(r, width), drawn(4, r)];
    const dropped = tf.mul(x, mask(MODULE, 2)(tf.ones([m, width])));
    const options = { rank: r, alpha: 6, rsLora: false, dropout: share };
    const run = (project: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, inputs: tf.Tensor[] = [a, b]) =>
      tf.grads((...args: tf.Tensor[]) => tf.sum(tf.square(project(args[0]!, args[1]!))) as tf.Scalar)(inputs);
    const got = run(
      (a, b) =>
        loraLinear(options, tf.scalar(2, 'int32'))(
          { [`${MODULE}.weight`]: w, [names.a]: a, [names.b]: b },
          [MODULE],
          x,
        )[0]!,
    );
    const plain = (inputs?: tf.Tensor[]) =>
      run((a, b) => {
        const low = tf.matMul(dropped as tf.Tensor2D, a as tf.Tensor2D, false, true);
        const y = tf.matMul(x, w, false, true);
        return tf.add(y, tf.mul(tf.matMul(low, b as tf.Tensor2D, false, true), 2));
      }, inputs);
    const want = plain();
    await expectAllNear(got, want, (seed) => plain([a, b].map(disturbedBy(seed, width))));
  });
});
