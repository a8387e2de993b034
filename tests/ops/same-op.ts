import * as tf from '../../src/backend/tf.js';
import { float32, type HostTensor } from '../../src/core/host-tensor.js';
import { random } from '../../src/core/random.js';
import { disturb, disturbedRuns, expectNear } from '../helpers/disturbed.js';
import { typicalError } from '../helpers/rounding.js';

/** Normal numbers, the same each time for a label. */
export const normal = (label: string, ...shape: number[]): tf.Tensor => {
  const r = random(3, label);
  return tf.tensor(
    Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => r.normal()),
    shape,
  );
};
/** A tensor's elements. */
export const host = (t: tf.Tensor): HostTensor => float32(t.shape, t.dataSync() as Float32Array);

/** An op as a function of tensors. */
export type Op = (...inputs: tf.Tensor[]) => tf.Tensor;

/**
 * Tensors, all of them disturbed by what the longest sum that they are in may be off by, with some
 * operations on the way.
 */
export const disturbed = (all: readonly tf.Tensor[], seed: number): tf.Tensor[] => {
  const size = typicalError(Math.max(...all.flatMap(({ shape }) => shape)) + 16);
  return all.map((x, i) => {
    const data = Float32Array.from(x.dataSync() as Float32Array);
    disturb(data, `${seed} ${i}`, size);
    return tf.tensor(data, x.shape);
  });
};

/**
 * Compares an op's value and its gradient under a random direction with the same formula left to
 * automatic differentiation.
 */
export async function expectSame(op: Op, plain: Op, inputs: tf.Tensor[]): Promise<void> {
  const direction = normal('direction', ...op(...inputs).shape);
  const run = (f: Op, [along, ...given]: tf.Tensor[]): HostTensor[] => {
    const { grads } = tf.valueAndGrads((...x: tf.Tensor[]) => tf.sum(tf.mul(f(...x), along!)))(given);
    // Times the direction, of which the disturbed one stands for how a sum of all positions is added up.
    return [tf.mul(f(...given), along!), ...grads].map(host);
  };
  const all = [direction, ...inputs];
  const draws = await disturbedRuns(async (seed) => run(plain, disturbed(all, seed)));
  const [actual, expected] = [run(op, all), run(plain, all)];
  for (const [i, value] of actual.entries())
    expectNear(
      value,
      expected[i]!,
      draws.map((draw) => draw[i]!),
      i === 0 ? 'value' : `gradient of input ${i - 1}`,
    );
}
