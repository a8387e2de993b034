import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runWarnings } from '../../src/cli/run-display.js';
import { hashFile } from '../../src/io/files.js';
import { readCheckpoint } from '../../src/train/checkpoint.js';
import { findResumePoint } from '../../src/train/resume.js';
import { claimRunFolder, readRunFile } from '../../src/train/run-file.js';
import type { RunJob } from '../../src/train/staged-run.js';
import type { Tuner } from '../../src/train/tuner.js';
import { bytesOf, quickTuner, runTiny, tinyJob } from '../helpers/tiny-run.js';

let tuner: Tuner;
beforeAll(async () => {
  tuner = await quickTuner();
});
afterAll(() => tuner.dispose());

/** The tuner, of whose held-out losses those of some measurements, from 0, the base's, are NaN. */
function blindAt(...passes: readonly number[]): Tuner {
  let calls = 0;
  return {
    ...tuner,
    evaluate: async (batch) => {
      const losses = await tuner.evaluate(batch);
      // Nine held-out rows, four at a time.
      return passes.includes(Math.floor(calls++ / 3)) ? losses.fill(Number.NaN) : losses;
    },
  };
}

/** Folders of all checkpoints that are there. */
const checkpoints = ({ folder }: RunJob): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /step-\d+$/.test(name));

/** The job, to go on with what is in its folder. */
async function resuming(job: RunJob): Promise<RunJob> {
  await job.lock.release();
  const { lock, run } = await claimRunFolder(job.folder, true);
  const { folder, plan, about, base } = job;
  const resume = await findResumePoint({ folder, run: run!, plan, about, linears: base.linears, force: false });
  return { ...job, lock, resume };
}

test('a run of which no step stays can be read again, says so, and has no speed', async () => {
  const never: Tuner = { ...tuner, step: (batches, inputs) => tuner.step(batches, { ...inputs, lossLimit: 0 }) };
  const job = await tinyJob({ train: { onSpike: 'rollback' } });
  const { events, run } = await runTiny(never, job);
  const ends = events.filter((event) => event.type === 'stage-end');
  expect(ends).toHaveLength(3);
  for (const end of ends) expect(end).toMatchObject({ seconds: 0, consumed: { rows: 0 } });
  for (const end of ends) expect(end).not.toHaveProperty('tokensPerSecond');
  expect(await readRunFile(job.folder)).toEqual(run);
  expect(run).toMatchObject({ status: 'done', trainingSeconds: 0 });
  expect(run.tokensPerSecond).toBeUndefined();
  expect(checkpoints(job).length).toBeGreaterThan(2);
  for (const path of checkpoints(job)) await readCheckpoint(join(job.folder, path), job.base.linears);
  expect(runWarnings(run)).toEqual(
    [1, 2, 3].map((stage) =>
      expect.stringMatching(
        `^stage ${stage} trained nothing: none of its steps \\(2\\) was kept.*lower the learning rate$`,
      ),
    ),
  );
});

test('a held-out loss that is no number is never the best', async () => {
  const job = await tinyJob({ train: { epochs: 2, evalEvery: 1 } });
  // Of the first stage: 1 to 3 on the way, 4 at its end.
  const { events, run } = await runTiny(blindAt(1, 4), job);
  const evals = events.flatMap((event) => (event.type === 'eval' && event.stage === 1 ? [event] : []));
  expect(evals.map(({ all }) => Number.isNaN(all))).toEqual([true, false, false, true]);
  expect(evals.map(({ best }) => best)).toEqual([false, true, expect.any(Boolean), false]);
  const least = evals[1]!.all <= evals[2]!.all ? 2 : 3;
  expect(run.stages[0]!.best!.path).toBe(`stage-1/step-00000${least}`);
  expect(run.matrix!.rows[1]!.all).toBeNaN();
  expect(await readRunFile(job.folder)).toEqual(run);
  expect(runWarnings(run)).toEqual([expect.stringContaining('the held-out loss after stage 1 is not a finite number')]);
});

test('where no held-out loss is a number the end counts as the best', async () => {
  const job = await tinyJob({ train: { epochs: 2, evalEvery: 1 } });
  const { run } = await runTiny(blindAt(1, 2, 3, 4), job);
  expect(run.stages[0]!.best).toEqual(run.stages[0]!.end);
});

test.each([
  ['as it is written now', '"NaN"'],
  ['as an earlier version wrote it', 'null'],
])('a run with numbers in it that are not finite is resumed: %s', async (_, written) => {
  const options = { train: { epochs: 2, evalEvery: 1 } };
  const whole = await tinyJob(options);
  await runTiny(tuner, whole);
  const stopped = await tinyJob(options);
  const controller = new AbortController();
  const running = runTiny(blindAt(1, 4), { ...stopped, signal: controller.signal }, (event) => {
    if (event.type === 'step' && event.stage === 2 && event.step === 3) controller.abort();
  });
  await expect(running).rejects.toMatchObject({ code: 'interrupted' });
  for (const path of checkpoints(stopped)) await rewrite(join(stopped.folder, path), written);
  rewriteText(join(stopped.folder, 'run.json'), written);
  const { run } = await runTiny(tuner, await resuming(stopped));
  expect(run.status).toBe('done');
  expect(run.matrix!.rows.map(({ all }) => Number.isNaN(all))).toEqual([false, true, false, false]);
  const [one, other] = [
    await bytesOf(whole, 'adapter/adapter_model.safetensors'),
    await bytesOf(stopped, 'adapter/adapter_model.safetensors'),
  ];
  expect(one.equals(other)).toBe(true);
});

function rewriteText(file: string, written: string): void {
  const text = readFileSync(file, 'utf8');
  expect(text).toContain('"NaN"');
  writeFileSync(file, text.replaceAll('"NaN"', written));
}

/** Replaces NaN in a checkpoint's state, if it has any, and its hash in the manifest. */
async function rewrite(folder: string, written: string): Promise<void> {
  const [state, manifest] = ['trainer_state.json', 'manifest.json'].map((name) => join(folder, name)) as [
    string,
    string,
  ];
  if (!readFileSync(state, 'utf8').includes('"NaN"')) return;
  const before = await hashFile(state);
  rewriteText(state, written);
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(before, await hashFile(state)));
}
