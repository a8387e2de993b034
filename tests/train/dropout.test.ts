import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import type { Backend } from '../../src/backend/backend.js';
import { readAdapter } from '../../src/lora/peft-files.js';
import { openModelFolder } from '../../src/model/load.js';
import { linearShapes } from '../../src/model/parameters.js';
import { optimOptions } from '../../src/optim/options.js';
import { loraTuner } from '../../src/train/lora-tuner.js';
import { testBackend } from '../helpers/backend.js';
import { onePerLine } from '../helpers/micro-batch.js';

const FIXTURE = 'tests/fixtures/train';
const { gradient_batch } = JSON.parse(readFileSync(`${FIXTURE}/reference.json`, 'utf8')) as {
  gradient_batch: { rows: { ids: number[]; mask: number[] }[] };
};
const batch = onePerLine(
  gradient_batch.rows.map(({ ids, mask }, i) => ({
    id: `row ${i}`,
    ids: Int32Array.from(ids),
    mask: Uint8Array.from(mask),
    trained: mask.reduce((n, m) => n + m, 0),
  })),
  24,
);

let backend: Backend;
beforeAll(async () => {
  backend = await testBackend();
});

/** Losses of steps with these seeds, the held-out loss before them, and the memory after each. */
async function train(dropout: number, seeds: number[], batches = [batch]) {
  const model = await openModelFolder(`${FIXTURE}/base`);
  const { options, tensors } = await readAdapter(`${FIXTURE}/adapter`, linearShapes(model.config));
  const { tuner } = await loraTuner({
    backend,
    model,
    lora: { ...options, dropout },
    optim: optimOptions.parse({}),
    compile: { mode: 'eager', precision: 'float32' },
  });
  await tuner.loadBase([]);
  tuner.write('adapter', tensors);
  tuner.reset('optimizer', 0);
  const before = await tuner.evaluate(batch);
  const [losses, memory]: [number[], string[]] = [[], []];
  for (const [i, seed] of seeds.entries()) {
    losses.push(
      (await tuner.step(batches, { learningRate: 0, step: i + 1, seed, lossLimit: Number.POSITIVE_INFINITY })).loss,
    );
    memory.push(JSON.stringify(tuner.memory()));
  }
  tuner.dispose();
  await model.close();
  return { before, losses, memory };
}

test('a step’s masks depend on its seed alone: the same loss bit for bit, another seed another loss', async () => {
  const first = await train(0.5, [7, 8, 7]);
  expect((await train(0.5, [7, 8, 7])).losses).toEqual(first.losses);
  expect(first.losses[2]).toBe(first.losses[0]);
  expect(Math.abs(first.losses[1]! - first.losses[0]!)).toBeGreaterThan(1e-4);
  expect(new Set(first.memory).size).toBe(1);
});

test('the micro-batches of one step have masks of their own', async () => {
  const { losses } = await train(0.5, [7], [batch, batch]);
  const [alone] = (await train(0.5, [7])).losses;
  expect(Math.abs(losses[0]! - alone!)).toBeGreaterThan(1e-4);
});

test('held-out loss is measured without dropout', async () => {
  expect((await train(0.5, [])).before).toEqual((await train(0, [])).before);
});
