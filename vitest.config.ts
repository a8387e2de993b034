import { defineConfig } from 'vitest/config';

/** Folders of tests that load TensorFlow: they share one process, which loads the native library once. */
const TENSOR_TESTS = [
  'backend',
  'program',
  'ops',
  'model',
  'lora',
  'optim',
  'train',
  'generate',
  'eval',
  'bench',
  'integration',
].map((folder) => `tests/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: { name: 'text', include: ['tests/**/*.test.ts'], exclude: [...TENSOR_TESTS, 'tests/gpu/**'] },
      },
      { extends: true, test: { name: 'tensor', include: TENSOR_TESTS, maxWorkers: 1, isolate: false } },
    ],
  },
});
