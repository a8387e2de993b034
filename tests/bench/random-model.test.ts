import { describe, expect, it } from 'vitest';
import { randomModel } from '../../src/bench/random-model.js';
import { shapeConfig } from '../../src/bench/shapes.js';
import type { HostTensor } from '../../src/core/host-tensor.js';
import { widened } from '../../src/io/float.js';
import type { ModelFolder } from '../../src/model/load.js';
import { parameterShapes } from '../../src/model/parameters.js';

const CONFIG = shapeConfig({ shape: 'tiny-10m', layers: 1, vocab: 1024 });

/** All weights, copied. */
async function weightsOf(model: ModelFolder, dtype: 'float32' | 'bfloat16' = 'float32') {
  const weights = new Map<string, HostTensor<'float32'>>();
  for await (const [name, value] of model.parameters(() => dtype)) {
    expect(value.dtype).toBe(dtype);
    const wide = value.dtype === 'bfloat16' ? widened(value) : value;
    weights.set(name, { ...wide, data: wide.data.slice() });
  }
  return weights;
}

const moments = (values: Float32Array) => {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
  const fourth = values.reduce((sum, x) => sum + (x - mean) ** 4, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance), kurtosis: fourth / variance ** 2 };
};

/** Size of the correlation of weights with weights: none means the random numbers are others. */
const correlation = (x: Float32Array, y: Float32Array) =>
  Math.abs(x.reduce((sum, value, i) => sum + value * y[i]!, 0) / x.length / 0.02 ** 2);

describe('random weights', () => {
  it('are every parameter of the model, norms one, matrices normal with deviation 0.02', async () => {
    const weights = await weightsOf(randomModel(CONFIG));
    expect([...weights].map(([name, { shape }]) => [name, shape])).toEqual([...parameterShapes(CONFIG)]);
    for (const [name, { shape, data }] of weights) {
      if (shape.length === 1) {
        expect(
          data.every((x) => x === 1),
          name,
        ).toBe(true);
        continue;
      }
      const { mean, deviation, kurtosis } = moments(data);
      // Four standard errors of each, for normal values.
      const errors = 4 / Math.sqrt(data.length);
      expect(Math.abs(mean / 0.02), name).toBeLessThan(errors);
      expect(Math.abs(deviation / 0.02 - 1), name).toBeLessThan(errors / Math.SQRT2);
      // The table has 32,768 values of its own: four standard errors of theirs, and some.
      expect(Math.abs(kurtosis - 3), name).toBeLessThan(0.15);
    }
  });

  it('are the same for a seed, others for another, and differ from tensor to tensor', async () => {
    const [one, again, other] = await Promise.all([5, 5, 6].map((seed) => weightsOf(randomModel(CONFIG, seed))));
    for (const [name, { shape, data }] of one!) {
      expect(
        again!.get(name)!.data.every((x, i) => x === data[i]),
        name,
      ).toBe(true);
      if (shape.length > 1)
        expect(correlation(other!.get(name)!.data, data), name).toBeLessThan(4 / data.length ** 0.5);
    }
    const [gate, up] = ['gate', 'up'].map((part) => one!.get(`model.layers.0.mlp.${part}_proj.weight`)!.data);
    expect(correlation(gate!, up!)).toBeLessThan(4 / gate!.length ** 0.5);
  });

  it('come in bfloat16 as the same numbers, rounded', async () => {
    const [exact, low] = [await weightsOf(randomModel(CONFIG)), await weightsOf(randomModel(CONFIG), 'bfloat16')];
    for (const [name, { data }] of exact) {
      const rounded = low.get(name)!.data;
      const worst = data.reduce((most, x, i) => Math.max(most, Math.abs(rounded[i]! / x - 1)), 0);
      expect(worst, name).toBeLessThanOrEqual(2 ** -8);
    }
  });
});
