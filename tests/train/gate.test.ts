import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HostTensor } from '../../src/core/host-tensor.js';
import type { MicroBatch } from '../../src/data/micro-batch.js';
import { loraOptions } from '../../src/lora/options.js';
import { type ModelFolder, openModelFolder } from '../../src/model/load.js';
import { optimOptions } from '../../src/optim/options.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import { inputShapes } from '../../src/train/entry-shapes.js';
import { loraTuner } from '../../src/train/lora-tuner.js';
import type { NamedTensors, Tuner } from '../../src/train/tuner.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';
import { onePerLine } from '../helpers/micro-batch.js';
import { countingRow } from '../helpers/tiny-run.js';

const batch = onePerLine([countingRow('a', 5, 1, 22), countingRow('b', 40, 2, 6)], 24);
const other = onePerLine([countingRow('c', 3, 2, 20), countingRow('d', 9, 1, 5)], 24);
const shapes = inputShapes({ trainStep: [batch.shape], accumulate: [batch.shape, other.shape], evalLoss: [] });
const WAYS: readonly [name: string, CompileOptions][] = [
  ['eager', { mode: 'eager', precision: 'float32' }],
  ['captured', { mode: 'captured', precision: 'float32', shapes }],
  ['captured, compiled, bfloat16', { mode: 'captured', precision: 'bfloat16', compile: 'parts', shapes }],
];

let model: ModelFolder;
beforeAll(async () => {
  model = await openModelFolder('tests/fixtures/train/base');
});
afterAll(() => model.close());

/** A tuner that has taken one step, and what it holds then. */
async function started(compile: CompileOptions) {
  const { tuner } = await loraTuner({
    backend: await testBackend(),
    model,
    lora: loraOptions.parse({ rank: 3, dropout: 0.1 }),
    optim: optimOptions.parse({ weightDecay: 0.1, maxGradNorm: 0.5 }),
    compile,
  });
  await tuner.loadBase([]);
  tuner.reset('adapter', 2);
  tuner.reset('optimizer', 2);
  expect(await step(tuner, 1, [batch])).toMatchObject({ applied: true });
  return { tuner, adapter: await tuner.read('adapter'), state: await stateOf(tuner) };
}

const step = (tuner: Tuner, n: number, batches: readonly MicroBatch[], lossLimit = Number.POSITIVE_INFINITY) =>
  tuner.step(batches, { learningRate: 1e-2, step: n, seed: n, lossLimit });

/** The bytes of adapter and optimizer, by name. */
async function stateOf(tuner: Tuner): Promise<Record<string, Buffer>> {
  const all = [...(await tuner.read('adapter')), ...(await tuner.read('optimizer'))];
  return Object.fromEntries(all.map(([name, { data }]) => [name, Buffer.from(data.slice().buffer)]));
}

/** Numbers with which the loss cannot be finite. */
const broken = (adapter: NamedTensors): NamedTensors =>
  new Map([...adapter].map(([name, value]) => [name, { ...value, data: value.data.map(() => 1e38) } as HostTensor]));

for (const [name, compile] of WAYS) {
  const run = compile.mode === 'eager' ? test : nativeOnly;
  run(`${name}: steps that cannot be good leave no trace: the next one is what it would have been`, async () => {
    const { tuner, adapter, state } = await started(compile);
    const moments = (all: Record<string, Buffer>) => Object.entries(all).filter(([each]) => each.startsWith('exp_avg'));
    for (const batches of [[batch], [other, batch]]) {
      const jumped = await step(tuner, 2, batches, 0.5);
      expect(jumped.applied).toBe(false);
      expect(jumped.loss).toBeGreaterThan(0.5);
      expect(jumped.gradNorm).toBeGreaterThan(0);
      expect(await stateOf(tuner)).toEqual(state);
      tuner.write('adapter', broken(adapter));
      const bad = await step(tuner, 2, batches);
      expect(bad.applied).toBe(false);
      expect(Number.isFinite(bad.loss) && Number.isFinite(bad.gradNorm)).toBe(false);
      expect(moments(await stateOf(tuner))).toEqual(moments(state));
      tuner.write('adapter', adapter);
    }
    const after = [await step(tuner, 2, [batch]), await step(tuner, 3, [other, batch], 20), await stateOf(tuner)];
    tuner.dispose();
    const { tuner: second } = await started(compile);
    const straight = [await step(second, 2, [batch]), await step(second, 3, [other, batch]), await stateOf(second)];
    second.dispose();
    expect(after).toEqual(straight);
    expect(after[1]).toMatchObject({ applied: true });
  });
}
