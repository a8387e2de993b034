import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { float32, type HostTensor } from '../../src/core/host-tensor.js';
import { random } from '../../src/core/random.js';
import { planBatches } from '../../src/data/batch-plan.js';
import { encodeRows } from '../../src/data/encode-rows.js';
import type { EncodedRow } from '../../src/data/encoded.js';
import { importFile } from '../../src/data/import.js';
import type { MicroBatch } from '../../src/data/micro-batch.js';
import { batchOptionsSchema, encodeOptionsSchema, importOptionsSchema } from '../../src/data/options.js';
import { loraOptions } from '../../src/lora/options.js';
import { type ModelFolder, openModelFolder } from '../../src/model/load.js';
import { optimOptions } from '../../src/optim/options.js';
import { silentLogger } from '../../src/telemetry/logger.js';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { inputShapes } from '../../src/train/entry-shapes.js';
import { loraTuner } from '../../src/train/lora-tuner.js';
import type { Tuner } from '../../src/train/tuner.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';
import { disturbedModel, disturbedRuns, expectNear } from '../helpers/disturbed.js';
import { onePerLine } from '../helpers/micro-batch.js';
import { needs, realData, TINY } from '../helpers/tokens.js';

const PHASEDSFT = realData('phasedsft-alpaca52k-stage3.jsonl');
const inputs = { learningRate: 1e-2, step: 1, seed: 1, lossLimit: Number.POSITIVE_INFINITY };

let model: ModelFolder;
let tuner: Tuner;
beforeAll(async () => {
  model = await openModelFolder(TINY);
  tuner = await opened(model);
});
afterAll(async () => {
  tuner.dispose();
  await model.close();
});

async function opened(weights: ModelFolder): Promise<Tuner> {
  const lora = loraOptions.parse({ rank: 4 });
  const optim = optimOptions.parse({ maxGradNorm: 0 });
  const compile = { mode: 'eager', precision: 'float32' } as const;
  const { tuner } = await loraTuner({ backend: await testBackend(), model: weights, lora, optim, compile });
  await tuner.loadBase([]);
  return tuner;
}

/** Rows of random tokens, answers of several lengths at their ends. */
function generatedRows(count: number): EncodedRow[] {
  const { integer } = random(5, 'packed');
  return Array.from({ length: count }, (_, i) => {
    const length = 8 + integer(i % 7 === 0 ? 180 : 60);
    const answer = 1 + integer(length - 1);
    const mask = Uint8Array.from({ length }, (_, t) => (t >= length - answer ? 1 : 0));
    return { id: String(i), ids: Int32Array.from({ length }, () => integer(2000)), mask, trained: answer };
  });
}

async function realRows(count: number): Promise<EncodedRow[]> {
  const { records } = await importFile(PHASEDSFT, importOptionsSchema.parse({ badRows: 'skip' }), silentLogger);
  const options = encodeOptionsSchema.parse({ maxLength: 256, overflow: 'drop' });
  const { rows } = await encodeRows(records.slice(0, 3 * count), await loadTokenizer(TINY), options);
  return rows.slice(0, count);
}

/** The packed batches of one epoch. */
function packedBatches(rows: readonly EncodedRow[], batchRows: number): MicroBatch[] {
  const options = batchOptionsSchema.parse({ batchRows });
  const [plan] = planBatches([{ rows, seed: 2, budget: { epochs: 1 } }], options);
  return plan!.steps.flatMap((step) => step.microBatches);
}

/** An adapter of which neither A nor B is zero, moments zero. */
async function start(batch: MicroBatch): Promise<void> {
  tuner.reset('adapter', 3);
  tuner.reset('optimizer', 3);
  await tuner.step([batch], inputs);
  tuner.reset('optimizer', 3);
}

/** Loss, norm and gradients (as the first moments after one step) of these batches as one step. */
async function gradients(on: Tuner, batches: readonly MicroBatch[]) {
  const adapter = await on.read('adapter');
  on.reset('optimizer', 3);
  const { loss, gradNorm } = await on.step(batches, inputs);
  const moments = [...(await on.read('optimizer'))].filter(([name]) => name.startsWith('exp_avg.'));
  on.write('adapter', adapter);
  return new Map<string, HostTensor>([['loss', float32([], [loss])], ['norm', float32([], [gradNorm])], ...moments]);
}

const lossesOf = async (on: Tuner, batches: readonly MicroBatch[]): Promise<number[]> => {
  const all: number[] = [];
  for (const batch of batches) all.push(...(await on.evaluate(batch)));
  return all;
};

/** What a base that is disturbed makes of the same adapter and batches. */
async function disturbedBy(seed: number, batches: readonly MicroBatch[]) {
  const on = await opened(disturbedModel(model, seed));
  on.write('adapter', await tuner.read('adapter'));
  const result = { losses: await lossesOf(on, batches), gradients: await gradients(on, batches) };
  on.dispose();
  return result;
}

async function compare(rows: readonly EncodedRow[]): Promise<void> {
  const packed = packedBatches(rows, 8);
  expect(packed.some(({ lines }) => lines.some((line) => line.length > 2))).toBe(true);
  await start(onePerLine(rows.slice(0, 4)));
  const draws = await disturbedRuns((seed) => disturbedBy(seed, packed), 2);
  const order = packed.flatMap(({ lines }) => lines.flat());
  const alone = await lossesOf(
    tuner,
    order.map((row) => onePerLine([row])),
  );
  const losses = draws.map((draw) => draw.losses);
  expectNear(await lossesOf(tuner, packed), alone, losses, 'losses');
  const actual = await gradients(tuner, packed);
  const expected = await gradients(
    tuner,
    rows.map((row) => onePerLine([row])),
  );
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  for (const [name, value] of expected) {
    const seen = draws.map((draw) => draw.gradients.get(name)!);
    expectNear(actual.get(name)!, value, seen, name);
  }
}

describe('packed rows have the losses and gradients that each has alone', () => {
  test('generated rows', () => compare(generatedRows(32)));

  test('real rows', async (context) => {
    needs(context, PHASEDSFT);
    await compare(await realRows(32));
  });
});

/** Changes one row of a line at a time: which rows' losses are then other than before, to the last bit. */
async function checkApart(on: Tuner, batch: MicroBatch): Promise<void> {
  const before = await on.evaluate(batch);
  const line = batch.lines.findIndex((own) => own.length > 2);
  for (const victim of batch.lines[line]!.slice(0, 3)) {
    const changed = { ...victim, ids: victim.ids.map((id) => (id + 7) % 2000) };
    const lines = batch.lines.map((own) => own.map((row) => (row === victim ? changed : row)));
    const after = await on.evaluate({ ...batch, lines });
    const differ = batch.lines.flat().filter((_, i) => after[i] !== before[i]);
    expect(differ.map(({ id }) => id)).toEqual([victim.id]);
  }
}

describe('no row sees another: one is changed, and the losses of all others stay as they are to the last bit', () => {
  const rows = generatedRows(24);
  const batch = packedBatches(rows, 24)[0]!;

  test('eager', async () => {
    await start(onePerLine(rows.slice(0, 4)));
    await checkApart(tuner, batch);
  });

  for (const precision of ['float32', 'bfloat16'] as const)
    nativeOnly(`captured, ${precision}`, async () => {
      const shapes = inputShapes({ trainStep: [], accumulate: [], evalLoss: [batch.shape] });
      const options = { model, lora: loraOptions.parse({ rank: 4 }), optim: optimOptions.parse({}) };
      const compile = { mode: 'captured', precision, shapes } as const;
      const captured = await loraTuner({ backend: await testBackend(), ...options, compile });
      try {
        await captured.tuner.loadBase([]);
        captured.tuner.reset('adapter', 3);
        await checkApart(captured.tuner, batch);
      } finally {
        captured.tuner.dispose();
      }
    });
});
