import { describe, expect, test } from 'vitest';
import type { Worker, WorkerListener } from '../../../src/backend/native/worker.js';
import { PhasetuneError } from '../../../src/core/errors.js';
import { float32 } from '../../../src/core/host-tensor.js';
import { distributedTuner } from '../../../src/train/distributed/distributed-tuner.js';
import { type Group, startGroup } from '../../../src/train/distributed/group.js';
import type { WorkerSetup } from '../../../src/train/distributed/messages.js';
import { serve } from '../../../src/train/distributed/serve.js';
import { evaluateHoldout, planHoldout } from '../../../src/train/holdout.js';
import type { LoraTuner } from '../../../src/train/lora-tuner.js';
import type { StepParts } from '../../../src/train/step-parts.js';
import { countingRow, tinyPlan } from '../../helpers/tiny-run.js';

/** Numbers in the adapter of {@link fakeLocal}. */
const SIZE = 5;

/** A tuner of one number a parameter: a micro-batch's gradient is the number of its rows, and a step adds the sum. */
function fakeLocal(change: Partial<StepParts> = {}) {
  const value = new Float32Array(SIZE);
  const sum = new Float32Array(SIZE);
  const evaluated: string[] = [];
  const parts: StepParts = {
    size: SIZE,
    async accumulate({ lines }) {
      for (let i = 0; i < SIZE; i++) sum[i] = sum[i]! + lines.flat().length;
      return lines.flat().length;
    },
    async apply(loss) {
      for (let i = 0; i < SIZE; i++) value[i] = value[i]! + sum[i]!;
      sum.fill(0);
      return { loss, gradNorm: 1, applied: true };
    },
    readSum: async (into) => into.set(sum),
    writeSum: (given) => sum.set(given),
    clearSum: () => sum.fill(0),
    ...change,
  };
  const tuner: Partial<LoraTuner['tuner']> = {
    async evaluate({ lines }) {
      evaluated.push(lines.flat()[0]!.id);
      return Float32Array.from(lines.flat(), ({ ids }) => ids.length);
    },
    read: async () => new Map([['value', float32([SIZE], value.slice())]]),
    write: (_what, tensors) => value.set(tensors.get('value')!.data),
    reset: () => void value.fill(0),
    loadBase: async () => {},
    dispose() {},
  };
  return { local: { tuner, parts } as LoraTuner, value, evaluated };
}

/** A group whose workers are in this process, each with its tuner. */
function groupOf(tuners: readonly ReturnType<typeof fakeLocal>[]) {
  const memory = new Float32Array(1000);
  const shared = {
    file: 0,
    write: (at: number, values: Float32Array) => memory.set(values, at),
    read: (at: number, into: Float32Array) => into.set(memory.subarray(at, at + into.length)),
    close() {},
  };
  const listeners: WorkerListener[] = [];
  const ended = new Set<number>();
  const start = (listener: WorkerListener): Worker => {
    const rank = listeners.push(listener);
    let hear = (_message: unknown) => {};
    const later = (what: () => void) => void setImmediate(() => ended.has(rank) || what());
    serve({
      link: {
        send: (message) => later(() => listener.onMessage(message)),
        onMessage: (given) => {
          hear = given;
        },
      },
      shared,
      open: async () => tuners[rank]!.local,
    });
    return {
      pid: rank,
      send: (message) => later(() => hear(message)),
      end: async () => void ended.add(rank),
    };
  };
  const devices = tuners.map((_, i) => 10 + i);
  const setup = (rank: number) => ({ rank, ranks: tuners.length }) as WorkerSetup;
  const { group } = startGroup({ devices, shared, setup, start });
  return { group, tuner: distributedTuner(tuners[0]!.local, group as Group), listeners, ended };
}

const inputs = { learningRate: 1, step: 1, seed: 1, lossLimit: Number.POSITIVE_INFINITY };
/** Steps of three micro-batches of a row each, and of two at the end of an epoch. */
const { steps } = tinyPlan({ batchRows: 1, accumulate: 3, epochs: 2 }).stages[0]!.batches;

describe('steps of several ranks', () => {
  test.each([2, 3, 4])('on %i leave all with the same sum of all micro-batches', async (ranks) => {
    const tuners = Array.from({ length: ranks }, () => fakeLocal());
    const { tuner } = groupOf(tuners);
    let rows = 0;
    for (const { microBatches } of steps) {
      const { loss } = await tuner.step(microBatches, inputs);
      expect(loss).toBe(microBatches.length);
      rows += microBatches.length;
    }
    expect(steps.map(({ microBatches }) => microBatches.length)).toEqual([3, 3, 2, 3, 3, 2]);
    for (const { value } of tuners) expect([...value]).toEqual(new Array(SIZE).fill(rows));
    expect((await tuner.read('adapter')).get('value')!.data[0]).toBe(rows);
  });

  test('whose results differ are an error', async () => {
    const other = fakeLocal({ apply: async (loss) => ({ loss, gradNorm: 1.5, applied: true }) });
    const { tuner, ended } = groupOf([fakeLocal(), other]);
    await expect(tuner.step(steps[0]!.microBatches, inputs)).rejects.toThrow('the devices differ in the last step');
    expect([...ended]).toEqual([1]);
  });

  test('are compared every hundredth, and at each checkpoint', async () => {
    const other = fakeLocal();
    const { tuner } = groupOf([fakeLocal(), other]);
    other.value[2] = 1e-9;
    const [{ microBatches }] = steps as [(typeof steps)[0]];
    for (let step = 1; step < 100; step++) await tuner.step(microBatches, { ...inputs, step });
    other.value[3] = 7;
    await expect(tuner.step(microBatches, inputs)).rejects.toThrow('the devices differ in the adapter');
    const again = groupOf([fakeLocal(), other]);
    await expect(again.tuner.read('optimizer')).rejects.toThrow('the devices differ in the optimizer');
  });

  test('begin with what was written and reset on all', async () => {
    const tuners = [fakeLocal(), fakeLocal()];
    const { tuner } = groupOf(tuners);
    tuner.reset('adapter', 1);
    tuner.write('adapter', new Map([['value', float32([SIZE], [1, 2, 3, 4, 5])]]));
    await tuner.loadBase([]);
    for (const { value } of tuners) expect([...value]).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('a rank that fails', () => {
  const noMemory = () => {
    throw new PhasetuneError('failed', 'out of memory in a training step', {
      outOfMemory: true,
      remedies: [{ option: 'microBatches', change: 'raise' }],
    });
  };

  test('ends all with its error, which names its device, and leaves the first readable as before the step', async () => {
    const tuners = [fakeLocal(), fakeLocal({ accumulate: async () => noMemory() }), fakeLocal()];
    const { tuner, ended } = groupOf(tuners);
    await expect(tuner.step(steps[0]!.microBatches, inputs)).rejects.toMatchObject({
      code: 'failed',
      problem: 'device 11: out of memory in a training step',
      fields: { device: 11, outOfMemory: true, remedies: [{ option: 'microBatches', change: 'raise' }] },
    });
    expect([...ended].sort()).toEqual([1, 2]);
    expect([...(await tuner.read('adapter')).get('value')!.data]).toEqual([0, 0, 0, 0, 0]);
    await expect(tuner.step(steps[0]!.microBatches, inputs)).rejects.toThrow('device 11: out of memory');
  });

  test('after the first has changed its adapter is no error that lets the state be saved', async () => {
    const { tuner } = groupOf([fakeLocal(), fakeLocal({ apply: async () => noMemory() })]);
    const failed = tuner.step(steps[0]!.microBatches, inputs);
    await expect(failed).rejects.toThrow('device 11: out of memory in a training step');
    await expect(failed.catch(({ fields }) => fields)).resolves.not.toHaveProperty('outOfMemory');
  });

  test('in this process ends the others', async () => {
    const { tuner, ended } = groupOf([fakeLocal({ accumulate: async () => noMemory() }), fakeLocal()]);
    await expect(tuner.step(steps[0]!.microBatches, inputs)).rejects.toMatchObject({
      problem: 'out of memory in a training step',
      fields: { outOfMemory: true },
    });
    expect([...ended]).toEqual([1]);
  });

  test.each([
    [{ code: null, killedBy: 'SIGKILL', lastLine: '' }, /^device 11: its process \(1\) was ended by SIGKILL: somebody/],
    [{ code: 134, killedBy: null, lastLine: 'FATAL: heap' }, /^device 11: .* ended with status 134; .*: FATAL: heap$/],
  ])('without a word is an error that says how: %j', async (end, problem) => {
    const { tuner, listeners } = groupOf([fakeLocal(), fakeLocal()]);
    listeners[0]!.onEnd(end);
    await expect(tuner.step(steps[0]!.microBatches, inputs)).rejects.toMatchObject({
      code: 'failed',
      problem: expect.stringMatching(problem),
      fields: { device: 11, pid: 1 },
    });
  });
});

test('held-out batches are measured by all in turn, and counted in their order', async () => {
  const rows = Array.from({ length: 7 }, (_, i) => ({ row: countingRow(`h${i}`, i, 1, 4 + i), stage: 1 + (i % 2) }));
  const plan = planHoldout(rows, { evalRows: 1, passes: 1, batching: 'padded', padTo: 4 });
  const alone = fakeLocal();
  const tuners = [fakeLocal(), fakeLocal(), fakeLocal()];
  const measured = async (tuner: Parameters<typeof evaluateHoldout>[0]) => {
    const work = evaluateHoldout(tuner, plan);
    for (;;) {
      const { done, value } = await work.next();
      if (done) return value;
    }
  };
  expect(await measured(groupOf(tuners).tuner)).toEqual(await measured(alone.local.tuner));
  const order = plan.batches.map(({ lines }) => lines.flat()[0]!.id);
  expect(alone.evaluated).toEqual(order);
  const dealt = tuners.map((_, rank) => order.filter((_, i) => i % 3 === rank));
  expect(tuners.map(({ evaluated }) => evaluated)).toEqual(dealt);
});
