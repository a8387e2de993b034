import { expect, test } from 'vitest';
import { float32 } from '../../src/core/host-tensor.js';
import { random } from '../../src/core/random.js';
import { matrixNames } from '../../src/lora/adapter.js';
import { mergeInto } from '../../src/lora/merge.js';
import { loraOptions } from '../../src/lora/options.js';

const { normal } = random(3);
const drawn = (rows: number, columns: number) =>
  float32(
    [rows, columns],
    Array.from({ length: rows * columns }, () => normal()),
  );

// Ranks around the four that are summed at a time.
test.each([1, 3, 4, 6, 8])('rank %i: every element is W + scale B A, rounded once', (rank) => {
  const [outputs, inputs] = [5, 7];
  const names = matrixNames('model.layers.0.mlp.up_proj');
  const [a, b, w] = [drawn(rank, inputs), drawn(outputs, rank), drawn(outputs, inputs)];
  const before = Float32Array.from(w.data);
  const adapter = {
    options: loraOptions.parse({ rank, alpha: 3 }),
    tensors: new Map([
      [names.a, a],
      [names.b, b],
    ]),
  };
  mergeInto('model.layers.0.mlp.up_proj.weight', w, adapter);
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++) {
      let sum = 0;
      for (let r = 0; r < rank; r++) sum += b.data[o * rank + r]! * a.data[r * inputs + i]!;
      const exact = before[o * inputs + i]! + (3 / rank) * sum;
      expect(Math.abs(w.data[o * inputs + i]! - exact)).toBeLessThanOrEqual(Math.abs(exact) * 2 ** -24 + 1e-14);
    }
  const others = ['model.layers.0.mlp.up_proj.bias', 'model.layers.1.mlp.up_proj.weight', 'model.norm.weight'];
  for (const name of others) {
    const untouched = drawn(outputs, inputs);
    const same = Float32Array.from(untouched.data);
    mergeInto(name, untouched, adapter);
    expect(untouched.data).toEqual(same);
  }
});
