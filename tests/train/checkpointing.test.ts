import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../src/backend/backend.js';
import { loraOptions } from '../../src/lora/options.js';
import { type ModelFolder, openModelFolder } from '../../src/model/load.js';
import { optimOptions } from '../../src/optim/options.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import { loraTuner } from '../../src/train/lora-tuner.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';
import { disturbedModel, disturbedRuns, expectNear, modelError } from '../helpers/disturbed.js';
import { onePerLine } from '../helpers/micro-batch.js';
import { UNIT } from '../helpers/rounding.js';
import { countingRow } from '../helpers/tiny-run.js';

const EAGER = { mode: 'eager', precision: 'float32' } as const;

const batch = onePerLine([countingRow('a', 5, 1, 22), countingRow('b', 40, 2, 6)], 24);

let backend: Backend;
let model: ModelFolder;
beforeAll(async () => {
  backend = await testBackend();
  model = await openModelFolder('tests/fixtures/train/base');
});
afterAll(() => model.close());

/** Two steps, one of them of two micro-batches: losses and norms of the gradients, and the adapter afterwards. */
async function train(compile: CompileOptions, gradientCheckpointing: boolean, lora: object, weights = model) {
  const { tuner } = await loraTuner({
    backend,
    model: weights,
    lora: loraOptions.parse({ rank: 3, ...lora }),
    optim: optimOptions.parse({ weightDecay: 0.1, maxGradNorm: 0.5 }),
    gradientCheckpointing,
    compile,
  });
  await tuner.loadBase([]);
  tuner.reset('adapter', 2);
  tuner.reset('optimizer', 0);
  const hyper = { learningRate: 1e-2, lossLimit: Number.POSITIVE_INFINITY };
  const steps = [];
  steps.push(await tuner.step([batch], { ...hyper, step: 1, seed: 1 }));
  steps.push(await tuner.step([batch, batch], { ...hyper, step: 2, seed: 2 }));
  const adapter = await tuner.read('adapter');
  tuner.dispose();
  return { steps, adapter };
}

const adapters = [
  ['every projection', {}],
  ['some projections', { targets: ['q_proj', 'down_proj'] }],
  ['dropout', { dropout: 0.3 }],
] as const;

describe('a step with checkpointing is the step without it', () => {
  test.each(adapters)('eager, bit for bit: %s', async (_name, lora) => {
    const [off, on] = [false, true].map((checkpointing) => train(EAGER, checkpointing, lora));
    expect(await on).toEqual(await off);
  });

  const recorded = [
    ['float32', 'none', adapters],
    ['bfloat16', 'none', adapters],
    // Compiling takes seconds.
    ['bfloat16', 'parts', adapters.slice(0, 1)],
    ['bfloat16', 'whole', adapters.slice(0, 1)],
  ] as const;
  for (const [precision, compile, which] of recorded)
    nativeOnly(`recorded in ${precision}, compiled: ${compile}`, async () => {
      for (const [name, lora] of which) {
        const off = await train({ mode: 'captured', precision, compile }, false, lora);
        const on = await train({ mode: 'captured', precision, compile }, true, lora);
        expect(off.steps).toHaveLength(2);
        // What is rounded to bfloat16 may be rounded the other way after a sum in another order.
        const size = precision === 'bfloat16' ? UNIT.bfloat16 : modelError(model);
        const plain = await train(EAGER, false, lora);
        const draws = await disturbedRuns((seed) => train(EAGER, false, lora, disturbedModel(model, seed, size)));
        for (const what of ['loss', 'gradNorm'] as const) {
          const of = ({ steps }: typeof on) => steps.map((step) => step[what]);
          expectNear(of(on), of(off), draws.map(of), `${name}: ${what}`, of(plain));
        }
        for (const [matrix, value] of off.adapter) {
          const seen = draws.map(({ adapter }) => adapter.get(matrix)!);
          expectNear(on.adapter.get(matrix)!, value, seen, `${name}: ${matrix}`, plain.adapter.get(matrix)!);
        }
      }
    });
});
