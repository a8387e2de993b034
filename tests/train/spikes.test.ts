import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PhasetuneError } from '../../src/core/errors.js';
import { rowIdsOf } from '../../src/data/batch-plan.js';
import { readCheckpoint } from '../../src/train/checkpoint.js';
import { consumed } from '../../src/train/ledger.js';
import { findResumePoint } from '../../src/train/resume.js';
import { claimRunFolder } from '../../src/train/run-file.js';
import type { RunJob } from '../../src/train/staged-run.js';
import type { Tuner } from '../../src/train/tuner.js';
import { bytesOf, quickTuner, runTiny, type TinyOptions, tinyJob } from '../helpers/tiny-run.js';

let tuner: Tuner;
beforeAll(async () => {
  tuner = await quickTuner();
});
afterAll(() => tuner.dispose());

const OPTIONS = { epochs: 2, saveEvery: 2 } as const;
const job = (onSpike: 'stop' | 'skip' | 'rollback') =>
  tinyJob({ train: { ...OPTIONS, onSpike } } satisfies TinyOptions);

/** The rows of a planned step. */
const rowsOf = ({ plan }: RunJob, stage: number, step: number): string[] =>
  plan.stages[stage - 1]!.batches.steps[step - 1]!.microBatches.flatMap(rowIdsOf);

/** The tuner, for which no loss is low enough at the batches of these rows: the gate of the real step closes. */
function strictAt(rows: readonly string[]): Tuner {
  const key = rows.join();
  return {
    ...tuner,
    step: (batches, inputs) => {
      const ids = batches.flatMap(({ lines }) => lines.flat().map(({ id }) => id));
      return tuner.step(batches, ids.join() === key ? { ...inputs, lossLimit: 0 } : inputs);
    },
  };
}

const adapterOf = (of: RunJob) => bytesOf(of, 'adapter/adapter_model.safetensors');

test('stop: the step is named with its rows, and the state before it is saved', async () => {
  const stopping = await job('stop');
  const rows = rowsOf(stopping, 2, 4);
  const error: unknown = await runTiny(strictAt(rows), stopping).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(PhasetuneError);
  expect((error as Error).message).toMatch(
    /^stage 2, step 4: the loss spiked to \d.*its update was not made, .* in stage-2\/step-000003;/,
  );
  for (const row of rows) expect((error as Error).message).toContain(row);
  const { state } = await readCheckpoint(join(stopping.folder, 'stage-2/step-000003'), stopping.base.linears);
  expect(state).toMatchObject({ stage: 2, progress: { step: 3, skipped: [] } });
});

test('skip: the step is left out of the weights and of the ledger, and told', async () => {
  const skipping = await job('skip');
  const rows = rowsOf(skipping, 2, 3);
  const { events, run } = await runTiny(strictAt(rows), skipping);
  const spike = events.find(({ type }) => type === 'spike');
  expect(spike).toMatchObject({ stage: 2, step: 3, action: 'skip', lossLimit: Number.POSITIVE_INFINITY, rows });
  const { steps } = skipping.plan.stages[1]!.batches;
  expect(run.stages.map(({ skipped }) => skipped)).toEqual([undefined, [3], undefined]);
  expect(run.stages[1]!.consumed).toEqual(consumed(steps, steps.length, [3]));
  expect(run.stages[1]!.consumed!.rows).toBe(16 - rows.length);
  const whole = await job('skip');
  await runTiny(tuner, whole);
  expect((await adapterOf(skipping)).equals(await adapterOf(whole))).toBe(false);
});

test('rollback: the stage goes back to its last checkpoint and leaves out all steps from there to the jump', async () => {
  const [whole, back] = [await job('rollback'), await job('rollback')];
  const rows = rowsOf(back, 2, 4);
  const { events, run } = await runTiny(strictAt(rows), back);
  const steps = events.flatMap((event) => (event.type === 'step' && event.stage === 2 ? [event.step] : []));
  // The last checkpoint is that of step 2.
  expect(steps).toEqual([1, 2, 3]);
  expect(run.stages[1]!.skipped).toEqual([3, 4]);
  await runTiny(tuner, whole);
  const [end, before] = ['stage-2/step-000004', 'stage-2/step-000002'].map((path) => join(back.folder, path));
  const { own, state } = await readCheckpoint(end!, back.base.linears);
  expect(state.progress).toMatchObject({ step: 4, optimizerStep: 2, spikes: 1 });
  // Kept by its name in the log only: the end has the bytes of step 2.
  const saved = events.find((event) => event.type === 'checkpoint' && before!.endsWith(event.path));
  expect(saved).toMatchObject({ sha256: run.stages[1]!.end!.sha256 });
  expect(own.tensors.size).toBeGreaterThan(0);
});

test('a run that stopped goes on by leaving the step out, which is no change that needs force', async () => {
  const [skipping, stopping] = [await job('skip'), await job('stop')];
  const rows = rowsOf(stopping, 2, 4);
  await runTiny(strictAt(rows), skipping);
  await expect(runTiny(strictAt(rows), stopping)).rejects.toMatchObject({ code: 'failed' });
  await stopping.lock.release();
  const { lock, run } = await claimRunFolder(stopping.folder, true);
  const { folder, plan, about, base } = stopping;
  const resume = await findResumePoint({ folder, run: run!, plan, about, linears: base.linears, force: false });
  await runTiny(strictAt(rows), { ...stopping, lock, resume, options: skipping.options });
  expect((await adapterOf(stopping)).equals(await adapterOf(skipping))).toBe(true);
});

test('a stage that would leave out more than ten steps stops after all', async () => {
  const never: Tuner = { ...tuner, step: (batches, inputs) => tuner.step(batches, { ...inputs, lossLimit: 0 }) };
  const skipping = await tinyJob({ train: { epochs: 8, onSpike: 'skip' } });
  await expect(runTiny(never, skipping)).rejects.toMatchObject({
    message: expect.stringMatching(/stage 1, step 11: .*as 10 times before in this stage/),
  });
});

test('out of memory: the step is named, and all before it is saved', async () => {
  const short: Tuner = {
    ...tuner,
    step: (batches, inputs) =>
      inputs.step === 4
        ? Promise.reject(new PhasetuneError('failed', 'out of memory in a training step', { outOfMemory: true }))
        : tuner.step(batches, inputs),
  };
  const running = await tinyJob({ train: OPTIONS });
  await expect(runTiny(short, running)).rejects.toMatchObject({
    code: 'failed',
    message: expect.stringMatching(
      /^stage 1, step 4: out of memory in .* in stage-1\/step-000003, from which `resume` and `force` continue/,
    ),
  });
  const { state } = await readCheckpoint(join(running.folder, 'stage-1/step-000003'), running.base.linears);
  expect(state.progress.step).toBe(3);
});
