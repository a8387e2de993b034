import { beforeAll, expect, test } from 'vitest';
import * as tf from '../../src/backend/tf.js';
import { testBackend } from '../helpers/backend.js';

beforeAll(async () => {
  await testBackend();
});

test('a product of two matrices is right in every element', async () => {
  const [rows, inner, columns] = [5, 7, 3];
  const a = Array.from({ length: rows * inner }, (_, i) => Math.sin(i + 1));
  const b = Array.from({ length: inner * columns }, (_, i) => Math.cos(i * 2 + 1));
  const product = tf.tidy(() => tf.matMul(tf.tensor2d(a, [rows, inner]), tf.tensor2d(b, [inner, columns])));
  const got = await product.data();
  product.dispose();
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      let want = 0;
      for (let k = 0; k < inner; k++) want += a[r * inner + k]! * b[k * columns + c]!;
      expect(got[r * columns + c]).toBeCloseTo(want, 5);
    }
});
