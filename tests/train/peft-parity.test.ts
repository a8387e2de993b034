import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HostTensor, int32 } from '../../src/core/host-tensor.js';
import type { EncodedRow } from '../../src/data/encoded.js';
import type { MicroBatch } from '../../src/data/micro-batch.js';
import { openSafetensors, type Safetensors } from '../../src/io/safetensors.js';
import { readAdapter } from '../../src/lora/peft-files.js';
import { type ModelFolder, openModelFolder } from '../../src/model/load.js';
import { linearShapes } from '../../src/model/parameters.js';
import { keptName } from '../../src/optim/groups.js';
import { optimOptions } from '../../src/optim/options.js';
import { learningRateAt } from '../../src/optim/schedule.js';
import { readState } from '../../src/optim/state.js';
import { loraTuner } from '../../src/train/lora-tuner.js';
import { lossFeeds } from '../../src/train/loss-feeds.js';
import type { StepResult } from '../../src/train/tuner.js';
import { testBackend } from '../helpers/backend.js';
import { disturbedModel, disturbedRuns, expectNear } from '../helpers/disturbed.js';
import { onePerLine } from '../helpers/micro-batch.js';

const FIXTURE = 'tests/fixtures/train';
interface Row {
  ids: number[];
  mask: number[];
}
interface Reference {
  options: { steps: number; warmup: number; learningRate: number; weightDecay: number; clip: number };
  gradient_batch: { rows: Row[]; rowSums: number[] };
  steps: { batches: Row[][]; loss: number; gradNorm: number; learningRate: number }[];
}
const reference = JSON.parse(readFileSync(`${FIXTURE}/reference.json`, 'utf8')) as Reference;

const encoded = ({ ids, mask }: Row, i: number): EncodedRow => ({
  id: `row ${i}`,
  ids: Int32Array.from(ids),
  mask: Uint8Array.from(mask),
  trained: mask.reduce((n, m) => n + m, 0),
});

/** Padded further than the reference pads: the padding must not matter. */
const microBatch = (rows: Row[]): MicroBatch =>
  onePerLine(rows.map(encoded), Math.max(...rows.map(({ ids }) => ids.length)) + 3);

const { steps, warmup, learningRate, weightDecay, clip: maxGradNorm } = reference.options;
const optim = optimOptions.parse({ learningRate, warmup, weightDecay, maxGradNorm, schedule: 'cosine' });

let model: ModelFolder;
let expected: Safetensors;
beforeAll(async () => {
  model = await openModelFolder(`${FIXTURE}/base`);
  expected = await openSafetensors(`${FIXTURE}/reference.safetensors`);
});
afterAll(async () => {
  await model.close();
  await expected.close();
});

/** A tuner at the reference's start, with the base disturbed where a seed is given. */
async function startedTuner(seed?: number) {
  const adapter = await readAdapter(`${FIXTURE}/adapter`, linearShapes(model.config));
  const compile = { mode: 'eager', precision: 'float32' } as const;
  const weights = seed === undefined ? model : disturbedModel(model, seed);
  const made = await loraTuner({
    backend: await testBackend(),
    model: weights,
    lora: adapter.options,
    optim,
    compile,
  });
  await made.tuner.loadBase([]);
  made.tuner.write('adapter', adapter.tensors);
  made.tuner.reset('optimizer', 0);
  return made;
}

/** Every adapter matrix is as near to the reference's as to those of disturbed runs. */
async function expectMatrices(
  what: string,
  actual: ReadonlyMap<string, HostTensor>,
  disturbed: readonly ReadonlyMap<string, HostTensor>[],
): Promise<void> {
  expect(actual.size).toBe(28);
  for (const [name, value] of actual) {
    const draws = disturbed.map((draw) => draw.get(name)!);
    expectNear(value, await expected.read(`${what}.${name}`), draws, name);
  }
}

describe('one batch of rows of different lengths', () => {
  const batch = microBatch(reference.gradient_batch.rows);
  const trained = batch.lines.flat().reduce((n, row) => n + row.trained, 0);

  test('every row’s loss is transformers’', async () => {
    const losses = async (seed?: number) => {
      const { tuner } = await startedTuner(seed);
      const got = await tuner.evaluate(batch);
      tuner.dispose();
      return got;
    };
    expectNear(await losses(), reference.gradient_batch.rowSums, await disturbedRuns(losses));
  });

  test('the gradient of every adapter matrix is PEFT’s', async () => {
    const gradients = async (seed?: number) => {
      const { tuner, program, groups } = await startedTuner(seed);
      await program.run('accumulate', { ...lossFeeds(batch, 1 / trained), seed: int32([], [1]) }, ['loss']);
      const names = [...(await tuner.read('adapter')).keys()];
      const sums = await readState(
        program,
        groups,
        names.map((name) => keptName('grad', name)),
      );
      tuner.dispose();
      return new Map(names.map((name) => [name, sums.get(keptName('grad', name))!]));
    };
    await expectMatrices('gradient', await gradients(), await disturbedRuns(gradients));
  });
});

/** Loss and norm of every step, memory after it, and the adapter at the end. */
async function twentySteps(seed?: number) {
  const { tuner } = await startedTuner(seed);
  const [told, memory]: [StepResult[], { tensors: number; bytes: number }[]] = [[], []];
  for (const [i, step] of reference.steps.entries()) {
    const rate = learningRateAt(optim, i + 1, steps);
    // Both are computed in float64, from a cosine.
    expect(Math.abs(rate - step.learningRate)).toBeLessThan(16 * Number.EPSILON * learningRate);
    const inputs = { learningRate: rate, step: i + 1, seed: i, lossLimit: Number.POSITIVE_INFINITY };
    told.push(await tuner.step(step.batches.map(microBatch), inputs));
    memory.push(tuner.memory());
  }
  const adapter = await tuner.read('adapter');
  tuner.dispose();
  return { told, memory, adapter };
}

test('twenty steps with clip, warm-up and accumulation: PEFT’s losses, norms and final adapter, memory constant', async () => {
  expect(reference.steps).toHaveLength(20);
  const { told, memory, adapter } = await twentySteps();
  const disturbed = await disturbedRuns(twentySteps);
  for (const what of ['loss', 'gradNorm'] as const) {
    const of = (all: readonly { loss: number; gradNorm: number }[]) => all.map((step) => step[what]);
    expectNear(
      of(told),
      of(reference.steps),
      disturbed.map((draw) => of(draw.told)),
      what,
    );
  }
  await expectMatrices(
    'final',
    adapter,
    disturbed.map((draw) => draw.adapter),
  );
  expect(new Set(memory.map(({ tensors, bytes }) => `${tensors} tensors, ${bytes} bytes`)).size).toBe(1);
});
