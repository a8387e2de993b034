import { afterAll, beforeAll, expect, test } from 'vitest';
import { float32, type HostTensor, int32 } from '../../src/core/host-tensor.js';
import { loraOptions } from '../../src/lora/options.js';
import { type ModelFolder, openModelFolder } from '../../src/model/load.js';
import { keptName } from '../../src/optim/groups.js';
import { optimOptions } from '../../src/optim/options.js';
import { readState } from '../../src/optim/state.js';
import { type LoraTuner, loraTuner } from '../../src/train/lora-tuner.js';
import { lossFeeds } from '../../src/train/loss-feeds.js';
import { testBackend } from '../helpers/backend.js';
import { onePerLine } from '../helpers/micro-batch.js';
import { countingRow } from '../helpers/tiny-run.js';

const rows = [countingRow('a', 5, 1, 22), countingRow('b', 40, 2, 6)];
const trained = rows.reduce((n, row) => n + row.trained, 0);
const feeds = { ...lossFeeds(onePerLine(rows, 24), 1 / trained), seed: int32([], [3]) };
const scalar = (x: number) => float32([], [x]);
const hyper = { learningRate: scalar(1e-2), step: scalar(1), lossLimit: scalar(Number.POSITIVE_INFINITY) };

let model: ModelFolder;
let made: LoraTuner;
beforeAll(async () => {
  model = await openModelFolder('tests/fixtures/train/base');
  made = await loraTuner({
    backend: await testBackend(),
    model,
    lora: loraOptions.parse({ rank: 3, targets: ['q_proj', 'v_proj', 'down_proj'] }),
    optim: optimOptions.parse({ weightDecay: 0.1, maxGradNorm: 0.5 }),
    compile: { mode: 'eager', precision: 'float32' },
  });
  await made.tuner.loadBase([]);
});
afterAll(async () => {
  made.tuner.dispose();
  await model.close();
});

/** A fresh adapter after one step, so that neither A's nor B's gradients are zero. */
async function start(): Promise<void> {
  made.tuner.reset('adapter', 2);
  made.tuner.reset('optimizer', 0);
  await made.program.run('trainStep', { ...feeds, ...hyper });
}

const everything = async () => [...(await made.tuner.read('adapter')), ...(await made.tuner.read('optimizer'))];
const gradients = async () =>
  readState(
    made.program,
    made.groups,
    [...(await made.tuner.read('adapter')).keys()].map((name) => keptName('grad', name)),
  );
const isZero = ({ data }: HostTensor) => data.every((x) => x === 0);

test('a step of one micro-batch is, bit for bit, that micro-batch accumulated and applied', async () => {
  const second = { ...hyper, step: float32([], [2]) };
  await start();
  const whole = await made.program.run('trainStep', { ...feeds, ...second }, ['loss', 'gradNorm']);
  const expected = await everything();
  await start();
  const { loss } = await made.program.run('accumulate', feeds, ['loss']);
  const { gradNorm } = await made.program.run('applyAccumulated', { ...second, loss: loss! }, ['gradNorm']);
  expect({ loss, gradNorm }).toEqual(whole);
  expect(await everything()).toEqual(expected);
  expect(expected).toHaveLength(3 * 2 * 3 * 2);
});

test('the sum of gradients grows by accumulating, and is gone once applied or when the optimizer begins anew', async () => {
  await start();
  expect([...(await gradients()).values()].every(isZero)).toBe(true);
  await made.program.run('accumulate', feeds);
  const once = await gradients();
  expect([...once.values()].some(isZero)).toBe(false);
  await made.program.run('accumulate', feeds);
  for (const [name, { data }] of await gradients()) expect(data).toEqual(once.get(name)!.data.map((x) => x + x));
  await made.program.run('applyAccumulated', { ...hyper, loss: scalar(1) });
  expect([...(await gradients()).values()].every(isZero)).toBe(true);
  await made.program.run('accumulate', feeds);
  made.tuner.reset('optimizer', 0);
  expect([...(await gradients()).values()].every(isZero)).toBe(true);
});

test('what is written is read back under the same names, every matrix in its own place', async () => {
  const shapes = [...(await made.tuner.read('adapter'))].map(([name, { shape }]) => [name, shape] as const);
  let next = 1;
  const values = new Map(
    shapes.map(([name, shape]) => {
      const data = Float32Array.from({ length: shape[0]! * shape[1]! }, () => next++);
      return [name, float32(shape, data)];
    }),
  );
  made.tuner.write('adapter', values);
  expect([...(await made.tuner.read('adapter'))]).toEqual([...values]);
  const moments = new Map(
    [...values].flatMap(([name, value]) => [
      [keptName('exp_avg', name), value] as const,
      [keptName('exp_avg_sq', name), float32(value.shape, value.data.map((x) => x * x) as Float32Array)] as const,
    ]),
  );
  made.tuner.write('optimizer', moments);
  expect([...(await made.tuner.read('optimizer'))]).toEqual([...moments]);
});
