import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/train/events.js';
import { consumed } from '../../src/train/ledger.js';
import { findResumePoint, type ResumePoint } from '../../src/train/resume.js';
import { claimRunFolder, type RunFile, readRunFile } from '../../src/train/run-file.js';
import { type RunJob, runStages } from '../../src/train/staged-run.js';
import type { Tuner } from '../../src/train/tuner.js';
import { quickTuner, runTiny, type TinyOptions, tinyJob } from '../helpers/tiny-run.js';

let tuner: Tuner;
beforeAll(async () => {
  tuner = await quickTuner();
});
afterAll(() => tuner.dispose());

/** Runs until `stop` says so, then does nothing more, as if killed right there. True when the run came to its end. */
async function runUntil(job: RunJob, stop: (event: RunEvent, index: number) => boolean): Promise<boolean> {
  let i = 0;
  for await (const event of runStages(tuner, job).events) if (stop(event, i++)) return false;
  return true;
}

/** The same job, to go on with what is in its folder. */
async function resuming(job: RunJob, options: { force?: boolean } = {}): Promise<RunJob & { resume: ResumePoint }> {
  await job.lock.release();
  const { lock, run } = await claimRunFolder(job.folder, true);
  const { folder, plan, about, base } = job;
  const point = { folder, run: run!, plan, about, linears: base.linears, force: options.force ?? false };
  try {
    return { ...job, lock, resume: await findResumePoint(point) };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

const TIMES = new Set(['time', 'seconds', 'tokensPerSecond', 'started', 'finished', 'trainingSeconds', 'resumed']);

/** A file of JSON lines or one of JSON, without times and without how often the run went on. */
async function withoutTimes(file: string): Promise<unknown[]> {
  const text = await readFile(file, 'utf8');
  const lines = file.endsWith('l') ? text.trimEnd().split('\n') : [text];
  return lines.map((line) => JSON.parse(line, (key, value) => (TIMES.has(key) ? undefined : value)));
}

/** Everything that a run leaves: bytes of adapters, optimizers and held-out losses, events, run.json. */
async function leftBy({ folder }: RunJob): Promise<unknown> {
  const names = await readdir(folder, { recursive: true });
  const files = names.filter((name) => /\.safetensors$|held-out\.jsonl$/.test(name)).sort();
  const bytes = await Promise.all(files.map((file) => readFile(join(folder, file), 'hex')));
  const lists = ['events.jsonl', 'run.json'].map((file) => withoutTimes(join(folder, file)));
  return { bytes: Object.fromEntries(files.map((file, i) => [file, bytes[i]])), files: await Promise.all(lists) };
}

const CASES: readonly (readonly [string, TinyOptions])[] = [
  ['checkpoints on the way and losses measured', { train: { epochs: 2, saveEvery: 2, evalEvery: 3, logEvery: 2 } }],
  [
    'the best checkpoint, an optimizer that is carried, a schedule that goes on',
    {
      train: {
        epochs: 1,
        evalEvery: 1,
        saveEvery: 0,
        start: 'previous-best',
        optimizer: 'carried',
        schedule: 'continued',
      },
      optim: { learningRate: 0.3 },
    },
  ],
  [
    'adapters that are merged',
    { train: { saveEvery: 1, keepLast: 1, stages: [{}, { adapter: 'merged' }, { adapter: 'merged' }] } },
  ],
];

describe('killed behind an event of any kind, a run that is resumed leaves what one never interrupted leaves', () => {
  test.each(CASES)('%s', async (_, options) => {
    const whole = await tinyJob(options);
    const { events } = await runTiny(tuner, whole);
    const expected = await leftBy(whole);
    for (let kill = 0; kill < events.length; kill++) {
      const same = events.flatMap(({ type }, i) => (type === events[kill]!.type ? [i] : []));
      if (kill !== same[0] && kill !== same.at(-1)) continue;
      const job = await tinyJob(options);
      expect(await runUntil(job, (_event, i) => i === kill)).toBe(false);
      await runTiny(tuner, await resuming(job));
      expect(await leftBy(job), `killed behind event ${kill}: ${JSON.stringify(events[kill])}`).toEqual(expected);
    }
  });

  test('killed again and again', async () => {
    const [, options] = CASES[0]!;
    const whole = await tinyJob(options);
    await runTiny(tuner, whole);
    let job = await tinyJob(options);
    let times = 0;
    for (let done = await runUntil(job, (_event, i) => i === 9); !done; times++) {
      job = await resuming(job);
      let checkpoints = 0;
      done = await runUntil(job, ({ type }) => type === 'checkpoint' && ++checkpoints === 2);
    }
    expect(times).toBeGreaterThan(4);
    expect(await leftBy(job)).toEqual(await leftBy(whole));
    expect((await readRunFile(job.folder)).resumed).toHaveLength(times);
  });

  test('interrupted at any step, with what was done saved', async () => {
    const [, options] = CASES[0]!;
    const whole = await tinyJob(options);
    const { run } = await runTiny(tuner, whole);
    const expected = await leftBy(whole);
    const steps = run.stages.reduce((n, stage) => n + stage.steps, 0);
    for (let kill = 1; kill < steps; kill += 2) {
      const controller = new AbortController();
      let step = 0;
      const counting: Tuner = {
        ...tuner,
        step: (...args) => {
          if (++step === kill) controller.abort();
          return tuner.step(...args);
        },
      };
      const job = await tinyJob(options);
      const interrupted = runTiny(counting, { ...job, signal: controller.signal });
      await expect(interrupted).rejects.toMatchObject({ code: 'interrupted' });
      const again = await resuming(job);
      // Not a step is done twice.
      let left = 0;
      const counted: Tuner = {
        ...tuner,
        step: (...args) => {
          left++;
          return tuner.step(...args);
        },
      };
      await runTiny(counted, again);
      expect(left).toBe(steps - kill);
      expect(await leftBy(job), `interrupted at step ${kill}`).toEqual(expected);
    }
  });
});

describe('a checkpoint that is not whole', () => {
  const [, options] = CASES[0]!;
  const damage: readonly (readonly [string, RegExp, (folder: string) => Promise<void>])[] = [
    ['cut off', /changed since/, async (folder) => writeFile(join(folder, 'optimizer.safetensors'), 'cut')],
    ['without a file', /missing, though/, async (folder) => rm(join(folder, 'adapter_config.json'))],
    ['without its manifest', /not a complete checkpoint/, async (folder) => rm(join(folder, 'manifest.json'))],
    ['with other state', /changed since/, async (folder) => appendFile(join(folder, 'trainer_state.json'), ' ')],
  ];

  test.each(damage)('%s is named and passed over', async (_, message, harm) => {
    const whole = await tinyJob(options);
    await runTiny(tuner, whole);
    const job = await tinyJob(options);
    await runUntil(job, (event) => event.type === 'checkpoint' && event.stage === 2 && event.step === 3);
    await harm(join(job.folder, 'stage-2/step-000003'));
    const again = await resuming(job);
    expect(again.resume.broken).toEqual([expect.stringMatching(message)]);
    expect(again.resume.broken[0]).toContain('stage-2/step-000003');
    expect(again.resume.found?.saved.path).toBe('stage-2/step-000002');
    await runTiny(tuner, again);
    expect(await leftBy(job)).toEqual(await leftBy(whole));
  });

  test('where none is whole, the run begins anew', async () => {
    const whole = await tinyJob(options);
    await runTiny(tuner, whole);
    const job = await tinyJob(options);
    await runUntil(job, (event) => event.type === 'checkpoint' && event.step === 2);
    for (const step of ['000000', '000002']) await rm(join(job.folder, `stage-1/step-${step}/manifest.json`));
    const again = await resuming(job);
    expect(again.resume.found).toBeUndefined();
    expect(again.resume.broken).toHaveLength(2);
    await runTiny(tuner, again);
    expect(await leftBy(job)).toEqual(await leftBy(whole));
  });
});

describe('what changed', () => {
  const stopped = async () => {
    const job = await tinyJob({ train: { saveEvery: 1 } });
    await runUntil(job, (event) => event.type === 'stage-end');
    return job;
  };
  const files = { 'model.safetensors': 'sha256:1' };
  const other: readonly (readonly [string, string, Partial<RunJob['about']>])[] = [
    ['an option', 'lora.rank was not given, is 16', { recipe: { lora: { rank: 16 } } }],
    ['the data', 'staged data was "none", is "more"', { inputs: input({}, 'more') }],
    ['the base', `base model's model.safetensors was not given, is sha256:1`, { inputs: input(files, 'none') }],
    ['a version', 'version.phasetune was "0", is "1"', { versions: { phasetune: '1' } }],
  ];

  test.each(other)('%s: refused with what differs, and forced with a record of it', async (_, change, about) => {
    const job = await stopped();
    const changed = { ...job, about: { ...job.about, ...about } };
    await expect(resuming(changed)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining(`: ${change}; put that back`),
    });
    const forced = await resuming(changed, { force: true });
    expect(forced.resume.changes).toEqual([change]);
    const { run } = await runTiny(tuner, forced);
    expect(run.resumed?.map(({ changes }) => changes)).toEqual([[change]]);
  });

  test('other places of model and data, and how many checkpoints are kept, may change', async () => {
    const job = await stopped();
    const about = { ...job.about, recipe: { model: 'there', data: 'elsewhere', keepLast: 7, onSpike: 'skip' } };
    expect((await resuming({ ...job, about })).resume.changes).toEqual([]);
  });

  test('rows in another order are noticed by the ledger, and refused', async () => {
    const job = await stopped();
    const { plan } = await tinyJob({ train: { saveEvery: 1, seed: 4 } });
    await expect(resuming({ ...job, plan })).rejects.toMatchObject({
      code: 'data',
      message: expect.stringMatching(/the batches are not those it was started with/),
    });
  });

  test('a plan that ends before the place is refused even when forced', async () => {
    const job = await stopped();
    const plan = { ...job.plan, stages: job.plan.stages.slice(0, 0) };
    await expect(resuming({ ...job, plan }, { force: true })).rejects.toMatchObject({ code: 'usage' });
  });
});

function input(files: Record<string, string>, manifest: string): RunFile['inputs'] {
  return { model: { path: 'base', files }, data: { path: 'none', manifest } };
}

test('the ledger tells the rows that were consumed, and steps left out are not among them', async () => {
  const job = await tinyJob();
  const { run } = await runTiny(tuner, job);
  for (const [i, stage] of run.stages.entries()) {
    const { steps } = job.plan.stages[i]!.batches;
    expect(stage.consumed).toEqual(stage.planned);
    expect(stage.consumed).toEqual({ rows: 8, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(consumed(steps, 2, [2])).toEqual(consumed(steps, 1, []));
    expect(consumed([...steps].reverse(), 2, []).sha256).not.toBe(stage.consumed!.sha256);
  }
});
