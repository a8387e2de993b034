import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that run at once. Two loads of TensorFlow beside each other take 3 GiB. */
const WORKERS = Math.min(4, availableParallelism());

/** Folders of tests that load TensorFlow: each worker is one process for many of them, which loads the native library once. */
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
  'handover',
  'integration',
  'workflow',
].map((folder) => `tests/${folder}/**/*.test.ts`);

/** What `npm run test:gpu` runs on a card, beside tests/gpu: the contract of all entries, and what was computed with PyTorch. */
const CARD_TESTS = [
  'tests/gpu/**/*.test.ts',
  'tests/program/contract/**/*.test.ts',
  'tests/train/peft-parity.test.ts',
  'tests/model/logits.test.ts',
  'tests/optim/**/*.test.ts',
];

/** What `npm run test:fast` leaves out: files that take ten seconds or more on two cores, or three and load TensorFlow. */
const SLOW = [
  'backend/archive',
  'backend/doctor',
  'backend/load',
  'backend/setup',
  'bench/commands',
  'cli/ablate',
  'cli/broken-streams',
  'cli/manners',
  'cli/proxy',
  'data/transformers',
  'docs/cluster',
  'docs/clusters',
  'docs/evaluation',
  'docs/reports',
  'docs/scoring',
  'docs/site',
  'docs/studies',
  'door/door',
  'endpoint/money',
  'eval/loss-scores',
  'handover/axolotl',
  'handover/import',
  'handover/trl-parity',
  'handover/whole-way',
  'integration/demo',
  'integration/devices',
  'integration/score-loss',
  'integration/smollm2',
  'integration/study-win-rates',
  'integration/train',
  'integration/train-watch',
  'io/disk-faults',
  'io/lock',
  'live/many-requests',
  'live/browser',
  'program/captured/passes',
  'program/contract/contract',
  'program/contract/recompute',
  'program/held-weights',
  'program/wasm',
  'reliability/bombs',
  'reliability/checkpoint-faults',
  'reliability/faults',
  'reliability/fuzz',
  'reliability/judge-kills',
  'reliability/kills',
  'reliability/score-kills',
  'reliability/study-faults',
  'reliability/study-kills',
  'scripts/bootstrap',
  'scripts/installed',
  'scripts/release',
  'scripts/scale',
  'study/executors/slurm/faults',
  'study/executors/slurm/slurm',
  'study/executors/slurm/study',
  'study/prepare',
  'study/render/render',
  'study/run-cells',
  'study/slurm/acceptance',
  'study/slurm/cluster',
  'study/slurm/contract',
  'tensorboard/tensorboard',
  'tokenizer/pattern',
  'train/checkpointing',
  'train/gate',
  'train/memory',
  'train/not-finite',
  'train/out-of-memory',
  'train/packed',
  'train/peft-parity',
  'train/recorded',
  'train/resume',
  'train/spikes',
  'train/staged-run',
  'workflow/board',
  'workflow/model',
  'workflow/score',
  'workflow/train',
].map((name) => `tests/${name}.test.ts`);

/** What is left out of all projects. */
const LEFT_OUT = process.env.PHASETUNE_TEST_FAST === '1' ? SLOW : [];
// The product takes variables of this name for its options.
delete process.env.PHASETUNE_TEST_FAST;

/** The files that take longest, which begin first: one of them begun last would keep a worker busy alone. */
const LONGEST = [
  'docs/studies',
  'study/slurm/acceptance',
  'docs/cluster',
  'reliability/kills',
  'program/contract/contract',
  'train/recorded',
  'train/resume',
  'docs/reports',
  'docs/evaluation',
  'scripts/installed',
  'reliability/faults',
  'train/out-of-memory',
  'data/transformers',
];

/** The usual order, except for the longest. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return found < 0 ? LONGEST.length : found;
    };
    return (await super.sort(files)).sort((x, y) => place(x) - place(y));
  }
}

/** Only where a card was asked for: without one, none of it may look like a pass. */
const onCard = {
  extends: true as const,
  test: {
    name: 'gpu',
    include: CARD_TESTS,
    setupFiles: ['tests/setup.ts', 'tests/gpu/on-card.ts'],
    maxWorkers: 1,
    isolate: false,
    sequence: { groupOrder: 1 },
  },
};

export default defineConfig({
  test: {
    pool: 'forks',
    // For what never ends: how long a test takes is the machine's affair.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: WORKERS,
    globalSetup: 'tests/global-setup.ts',
    setupFiles: 'tests/setup.ts',
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'text',
          include: ['tests/**/*.test.ts'],
          exclude: [...TENSOR_TESTS, ...LEFT_OUT, 'tests/gpu/**'],
        },
      },
      { extends: true, test: { name: 'tensor', include: TENSOR_TESTS, exclude: LEFT_OUT, isolate: false } },
      ...(process.env.PHASETUNE_TEST_DEVICE === 'cuda' ? [onCard] : []),
    ],
  },
});
