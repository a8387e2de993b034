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

/** What `npm run test:gpu` runs on a card, beside tests/gpu: the contract of all entries, and what was computed with PyTorch. */
const CARD_TESTS = [
  'tests/gpu/**/*.test.ts',
  'tests/program/contract/**/*.test.ts',
  'tests/train/peft-parity.test.ts',
  'tests/model/logits.test.ts',
  'tests/optim/**/*.test.ts',
];

/** Only where a card was asked for: without one, none of it may look like a pass. */
const onCard = {
  extends: true as const,
  test: { name: 'gpu', include: CARD_TESTS, setupFiles: 'tests/gpu/on-card.ts', maxWorkers: 1, isolate: false },
};

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
      ...(process.env.PHASETUNE_TEST_DEVICE === 'cuda' ? [onCard] : []),
    ],
  },
});
