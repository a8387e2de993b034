import { readFileSync } from 'node:fs';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dataError, PhasetuneError } from '../../src/core/errors.js';
import { rowIdsOf } from '../../src/data/batch-plan.js';
import { readAdapter } from '../../src/lora/peft-files.js';
import { learningRateAt } from '../../src/optim/schedule.js';
import { readCheckpoint } from '../../src/train/checkpoint.js';
import type { RunEvent, StepEvent } from '../../src/train/events.js';
import { readRunFile } from '../../src/train/run-file.js';
import { type RunJob, runStages } from '../../src/train/staged-run.js';
import type { NamedTensors, Tuner } from '../../src/train/tuner.js';
import { onePerLine } from '../helpers/micro-batch.js';
import { typicalError } from '../helpers/rounding.js';
import {
  bytesOf,
  runTiny,
  TINY_BASE,
  type TinyOptions,
  tinyJob,
  tinyTuner,
  withoutTimes,
} from '../helpers/tiny-run.js';

const { hidden_size, intermediate_size, vocab_size } = JSON.parse(
  readFileSync(join(TINY_BASE, 'config.json'), 'utf8'),
) as Record<string, number>;
const LONGEST_SUM = Math.max(hidden_size!, intermediate_size!, vocab_size!);

let tuner: Tuner;
/** A run with all options at their defaults. */
let standard: Awaited<ReturnType<typeof run>>;
beforeAll(async () => {
  tuner = await tinyTuner();
  standard = await run({});
});
afterAll(() => tuner.dispose());

const stepsOf = (events: readonly RunEvent[], stage: number) =>
  events.filter((event): event is StepEvent => event.type === 'step' && event.stage === stage);

const run = async (options: TinyOptions) => {
  const job = await tinyJob(options);
  return { job, ...(await runTiny(tuner, job)) };
};

const checkpointOf = (job: RunJob, path: string) => readCheckpoint(join(job.folder, path), job.base.linears);

/** Trains a stage of the plan step by step without the trainer, from what the tuner holds, and returns the adapter. */
async function byHand(
  job: RunJob,
  stage: number,
  options: { optimizerSteps?: number; rate?: (step: number) => number } = {},
) {
  const { steps } = job.plan.stages[stage - 1]!.batches;
  const { optimizerSteps = 0, rate = (step) => learningRateAt(job.optim, step, steps.length) } = options;
  for (const [i, step] of steps.entries()) {
    const inputs = {
      learningRate: rate(i + 1),
      step: optimizerSteps + i + 1,
      seed: 1,
      lossLimit: Number.POSITIVE_INFINITY,
    };
    await tuner.step(step.microBatches, inputs);
  }
  return tuner.read('adapter');
}

/** Held-out loss row by row, each alone and without padding. */
async function directLosses(on: Tuner, { plan }: RunJob): Promise<number[]> {
  const rows = plan.holdout!.batches.flatMap((batch, b) =>
    batch.lines.flat().map((row, i) => ({ row, band: plan.holdout!.bandOf[b]![i]! })),
  );
  const sums = plan.holdout!.bands.map(() => ({ loss: 0, tokens: 0 }));
  for (const { row, band } of rows) {
    sums[band]!.loss += (await on.evaluate(onePerLine([row])))[0]!;
    sums[band]!.tokens += row.trained;
  }
  return sums.map(({ loss, tokens }) => loss / tokens);
}

const plain = (tensors: NamedTensors) => Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]));

/**
 * Losses that the same weights give in batches of other shapes: off by four times what the longest
 * sum of the tiny base is, over its vocabulary or over a row of a matrix.
 */
function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of expected.entries())
    expect(Math.abs(actual[i]! - value)).toBeLessThanOrEqual(4 * typicalError(LONGEST_SUM) * value);
}

describe('where a stage starts', () => {
  test('previous end: the adapter read back from disk, moments and schedule fresh', async () => {
    const { job, run: file } = standard;
    const [first, second] = file.stages;
    expect(first!.origin).toEqual({ from: 'base' });
    expect(second!.origin).toEqual({ from: 'previous-end', ...first!.end });
    tuner.write('adapter', (await checkpointOf(job, first!.end!.path)).own.tensors);
    tuner.reset('optimizer', 0);
    const expected = await byHand(job, 2);
    expect(plain((await checkpointOf(job, second!.end!.path)).own.tensors)).toEqual(plain(expected));
  });

  test('base: a fresh adapter, so the first loss of every stage is that of the base', async () => {
    const { job, events, run: file } = await run({ train: { start: 'base' } });
    tuner.reset('adapter', 5); // B is zero whatever the seed.
    for (const stage of [1, 2, 3]) {
      expect(file.stages[stage - 1]!.origin).toEqual({ from: 'base' });
      const first = job.plan.stages[stage - 1]!.batches.steps[0]!;
      let sum = 0;
      for (const batch of first.microBatches) {
        const losses = await tuner.evaluate(batch);
        sum += losses.reduce((x, y) => x + y, 0);
      }
      expectClose([stepsOf(events, stage)[0]!.loss], [sum / first.trainedTokens]);
    }
  });

  test('previous best: the checkpoint with the least held-out loss, which is kept besides the end', async () => {
    const options = { optim: { learningRate: 0.3, warmup: 0, schedule: 'constant' as const } };
    const {
      job,
      events,
      run: file,
    } = await run({ ...options, train: { start: 'previous-best', evalEvery: 1, epochs: 2 } });
    const [first, second] = file.stages;
    const losses = events.flatMap((event) => (event.type === 'eval' && event.stage === 1 ? [event.all] : []));
    const best = losses.indexOf(Math.min(...losses)) + 1;
    expect(best).toBeLessThan(4);
    expect(first!.best!.path).toBe(`stage-1/step-00000${best}`);
    expect(first!.end!.path).toBe('stage-1/step-000004');
    expect(second!.origin).toEqual({ from: 'previous-best', ...first!.best });
    tuner.write('adapter', (await checkpointOf(job, first!.best!.path)).own.tensors);
    tuner.reset('optimizer', 0);
    const expected = await byHand(job, 2, { rate: () => 0.3 });
    expect(plain((await checkpointOf(job, second!.end!.path)).own.tensors)).toEqual(plain(expected));
  });
});

test('a carried optimizer goes on with moments and step count', async () => {
  const { job, run: file } = await run({ train: { optimizer: 'carried' } });
  const before = await checkpointOf(job, file.stages[0]!.end!.path);
  expect(before.state.progress.optimizerStep).toBe(2);
  tuner.write('adapter', before.own.tensors);
  tuner.write('optimizer', await before.optimizer());
  const expected = await byHand(job, 2, { optimizerSteps: 2 });
  const after = await checkpointOf(job, file.stages[1]!.end!.path);
  expect(after.state.progress.optimizerStep).toBe(4);
  expect(plain(after.own.tensors)).toEqual(plain(expected));
});

test('a continued schedule runs over the steps of all stages, a fresh one over those of each', async () => {
  const rates = (events: readonly RunEvent[]) =>
    events.flatMap((event) => (event.type === 'step' ? [event.learningRate] : []));
  const { job, events } = await run({ train: { schedule: 'continued', epochs: 2 } });
  const all = Array.from({ length: 12 }, (_, i) => learningRateAt(job.optim, i + 1, 12));
  expect(rates(events)).toEqual(all);
  const fresh = await run({ train: { epochs: 2 } });
  const each = Array.from({ length: 4 }, (_, i) => learningRateAt(job.optim, i + 1, 4));
  expect(rates(fresh.events)).toEqual([...each, ...each, ...each]);
});

describe('a merged adapter', () => {
  const stages = [{}, { adapter: 'merged' as const }, { adapter: 'continued' as const }];

  test('opens on the original base and gives the losses that were measured', async () => {
    const { job, run: file } = await run({ train: { stages } });
    expect(file.stages.map(({ origin }) => origin!.merged)).toEqual([undefined, true, undefined]);
    const adapter = await readAdapter(join(job.folder, 'adapter'), job.base.linears);
    expect(adapter.options).toMatchObject({ rank: 4, alpha: 4 });
    const wide = await tinyTuner({ lora: { rank: 4, alpha: 4 } });
    wide.write('adapter', adapter.tensors);
    expectClose(await directLosses(wide, job), file.matrix!.rows[3]!.losses);
    wide.dispose();
  });

  test('leaves a new one of full rank, begun with the loss that the merged one ended with', async () => {
    const {
      job,
      run: file,
      events,
    } = await run({ train: { adapter: 'merged', evalEvery: 1 }, optim: { warmup: 0.5 } });
    // Warm-up begins at 0, so the first step of stage 2 changes nothing.
    const first = events.flatMap((event) => (event.type === 'eval' && event.stage === 2 ? [event] : []))[0]!;
    expect(first.step).toBe(1);
    expectClose(first.losses, file.matrix!.rows[1]!.losses);
    const adapter = await readAdapter(join(job.folder, 'adapter'), job.base.linears);
    expect(adapter.options).toMatchObject({ rank: 6, alpha: 6 });
    const { own, state } = await checkpointOf(job, file.stages[2]!.end!.path);
    expect(own.options.rank).toBe(2);
    expect(state.merged).toEqual([file.stages[0]!.end, file.stages[1]!.end]);
  });
});

test('the matrix has the held-out loss of the base and after every stage, as a direct evaluation gives it', async () => {
  const { job, run: file } = standard;
  const { bands, rows } = file.matrix!;
  expect(bands.map(({ stage }) => stage)).toEqual([1, 2, 3]);
  expect(rows.map(({ after }) => after)).toEqual([0, 1, 2, 3]);
  await tuner.loadBase([]);
  tuner.reset('adapter', 0);
  expectClose(await directLosses(tuner, job), rows[0]!.losses);
  for (const [i, { end }] of file.stages.entries()) {
    tuner.write('adapter', (await checkpointOf(job, end!.path)).own.tensors);
    expectClose(await directLosses(tuner, job), rows[i + 1]!.losses);
  }
  const tokens = bands.reduce((n, band) => n + band.tokens, 0);
  const mean = rows[3]!.losses.reduce((sum, loss, i) => sum + loss * bands[i]!.tokens, 0) / tokens;
  expect(rows[3]!.all).toBeCloseTo(mean, 9);
});

test('the same seed gives the same bytes and events, another seed others', async () => {
  const lora = { dropout: 0.2 };
  const own = await tinyTuner({ lora });
  const going = async (seed: number) => {
    const job = await tinyJob({ lora, train: { seed, evalEvery: 1 } });
    const { events } = await runTiny(own, job);
    return { job, events, bytes: await bytesOf(job, 'adapter/adapter_model.safetensors') };
  };
  const [a, b, other] = [await going(1), await going(1), await going(2)];
  expect(a.bytes.equals(b.bytes)).toBe(true);
  expect(withoutTimes(a.events)).toEqual(withoutTimes(b.events));
  expect(a.bytes.equals(other.bytes)).toBe(false);
  own.dispose();
});

test('events.jsonl holds what was told, with times; run.json is what was returned', async () => {
  const { job, events, run: file } = standard;
  const lines = (await bytesOf(job, 'events.jsonl')).toString().trim().split('\n');
  const logged = lines.map((line) => JSON.parse(line) as { time: string });
  for (const { time } of logged) expect(new Date(time).toISOString()).toBe(time);
  expect(logged.map(({ time: _, ...event }) => event)).toEqual(
    JSON.parse(JSON.stringify(events.filter(({ type }) => type !== 'eval-progress'))),
  );
  expect(await readRunFile(job.folder)).toEqual(file);
  expect(file.status).toBe('done');
});

test('tensors and bytes on the device stay the same from step to step and stage to stage', async () => {
  const job = await tinyJob({ train: { epochs: 2, evalEvery: 1 } });
  const seen = new Set<string>();
  await runTiny(tuner, job, ({ type }) => {
    if (type === 'step' || type === 'stage-end') seen.add(JSON.stringify(tuner.memory()));
  });
  expect([...seen]).toHaveLength(1);
});

describe('a run that cannot go on', () => {
  const failing = async (
    options: TinyOptions,
    watch: (event: RunEvent, job: RunJob) => void | Promise<void> = () => {},
  ) => {
    const job = await tinyJob(options);
    const error = await runTiny(tuner, job, (event) => watch(event, job)).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return { job, error, run: await readRunFile(job.folder) };
  };

  test('one changed byte of the prior adapter is found, and the file named', async () => {
    const { error, run: file } = await failing({}, async (event, { folder }) => {
      if (event.type !== 'stage-end' || event.stage !== 1) return;
      const path = join(folder, 'stage-1/step-000002/adapter_model.safetensors');
      const bytes = await readFile(path);
      bytes[bytes.length - 1]! ^= 1;
      await writeFile(path, bytes);
    });
    expect(error).toMatchObject({
      code: 'data',
      message: expect.stringMatching(/stage-1\/step-000002\/adapter_model.safetensors: changed since it was written/),
    });
    expect(file).toMatchObject({ status: 'failed', error: (error as Error).message });
  });

  test('another checkpoint in the place of the prior one is found', async () => {
    const { error } = await failing({}, async (event, { folder }) => {
      if (event.type !== 'stage-end' || event.stage !== 2) return;
      await rm(join(folder, 'stage-2/step-000002'), { recursive: true });
      await cp(join(folder, 'stage-1/step-000002'), join(folder, 'stage-2/step-000002'), { recursive: true });
    });
    expect(error).toMatchObject({ code: 'data', message: expect.stringMatching(/stage-2.* holds another adapter/) });
  });

  test('a loss that is not finite stops it with stage, step and rows', async () => {
    const { job, error, run: file } = await failing({ optim: { learningRate: 1e30, warmup: 0 }, train: { epochs: 2 } });
    const ids = job.plan.stages[0]!.batches.steps[1]!.microBatches.flatMap(rowIdsOf);
    expect(error).toMatchObject({ code: 'failed', fields: { stage: 1, step: 2, rows: ids.join(' ') } });
    expect((error as Error).message).toMatch(`stage 1, step 2: the loss is NaN`);
    for (const id of ids) expect((error as Error).message).toContain(id);
    expect(file.status).toBe('failed');
    expect(file.stages[0]!.end).toBeUndefined();
  });

  test('an abort saves a whole checkpoint, then ends as interrupted', async () => {
    const stop = new AbortController();
    const job = { ...(await tinyJob({ train: { epochs: 2 } })), signal: stop.signal };
    const error = await runTiny(tuner, job, (event) => {
      if (event.type === 'step' && event.stage === 2) stop.abort();
    }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'interrupted', fields: { stage: 2, step: 1, path: 'stage-2/step-000001' } });
    const { state } = await checkpointOf(job, 'stage-2/step-000001');
    expect(state).toMatchObject({
      kind: 'interrupted',
      stage: 2,
      progress: { step: 1 },
      steps: 4,
      plan: job.plan.stages[1]!.batches.hash,
    });
    expect((await readRunFile(job.folder)).status).toBe('interrupted');
  });

  test('an abort while the base is measured leaves no checkpoint', async () => {
    const stop = new AbortController();
    const job = { ...(await tinyJob()), signal: stop.signal };
    const error = await runTiny(tuner, job, ({ type }) => void (type === 'eval-progress' && stop.abort())).catch(
      (e) => e,
    );
    expect(error).toMatchObject({ code: 'interrupted', message: expect.stringMatching(/nothing was trained/) });
  });

  test('a caller that stops listening leaves a run.json that says interrupted', async () => {
    const job = await tinyJob();
    const { runStages } = await import('../../src/train/staged-run.js');
    for await (const { type } of runStages(tuner, job).events) if (type === 'step') break;
    expect((await readRunFile(job.folder)).status).toBe('interrupted');
  });

  test('a folder that holds a run already is refused and stays as it is', async () => {
    const { job } = standard;
    const before = await bytesOf(job, 'run.json');
    await expect(runTiny(tuner, job)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(
        /already contains a run; set `resume` to continue it, or set `out` to another folder/,
      ),
    });
    expect((await bytesOf(job, 'run.json')).equals(before)).toBe(true);
  });
});

test('a run whose folder is gone says so, whatever else failed for it', async () => {
  const job = await tinyJob({});
  const lost = new PhasetuneError('failed', `${job.folder} is gone`);
  let gone = false;
  const lock = { ...job.lock, check: () => (gone ? Promise.reject(lost) : job.lock.check()) };
  const failing = new Proxy(tuner, {
    get(target, key) {
      const value = Reflect.get(target, key) as unknown;
      const fail = () => Promise.reject(dataError('cannot read the adapter'));
      return gone && typeof value === 'function' ? fail : value;
    },
  });
  const run = async () => {
    for await (const event of runStages(failing, { ...job, lock }).events) if (event.type === 'step') gone = true;
  };
  await expect(run()).rejects.toBe(lost);
  await job.lock.release();
});
