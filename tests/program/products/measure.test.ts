import { expect } from 'vitest';
import { measureProducts } from '../../../src/program/products/measure.js';
import { nativeOnly, testBackend } from '../../helpers/backend.js';

nativeOnly('both types of product are timed, and nothing is left', async () => {
  const backend = await testBackend();
  const { tensors } = backend.memory();
  const gflops = await measureProducts();
  expect(Object.keys(gflops).sort()).toEqual(['bfloat16', 'float32']);
  for (const each of Object.values(gflops)) expect(each).toBeGreaterThan(0);
  expect(backend.memory().tensors).toBe(tensors);
});
