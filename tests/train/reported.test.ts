import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeReport } from '../../src/report/make-report.js';
import { findResumePoint } from '../../src/train/resume.js';
import { runDifferences } from '../../src/train/run-differences.js';
import { claimRunFolder } from '../../src/train/run-file.js';
import { runStages } from '../../src/train/staged-run.js';
import type { Tuner } from '../../src/train/tuner.js';
import { quickTuner, runTiny, tinyJob } from '../helpers/tiny-run.js';

let tuner: Tuner;
beforeAll(async () => {
  tuner = await quickTuner();
});
afterAll(() => tuner.dispose());

/** Makes every file of a report in the folder itself. */
const report = (folder: string) => makeReport({ folder, markdown: join(folder, 'report.md') });

test('a run that is reported while it is trained, and again before it is resumed, comes to the same', async () => {
  const options = { train: { epochs: 2, saveEvery: 2 } };
  const [whole, job] = [await tinyJob(options), await tinyJob(options)];
  await runTiny(tuner, whole);
  let steps = 0;
  for await (const event of runStages(tuner, job).events) {
    if (event.type === 'step' && ++steps === 3) await report(job.folder);
    if (event.type === 'step' && steps === 7) break;
  }
  await job.lock.release();
  await report(job.folder);
  const { lock, run } = await claimRunFolder(job.folder, true);
  const { folder, plan, about, base } = job;
  const point = { folder, run: run!, plan, about, linears: base.linears, force: false };
  await runTiny(tuner, { ...job, lock, resume: await findResumePoint(point) });
  await report(job.folder);
  expect(existsSync(join(job.folder, 'report-pictures', 'curve-training.svg'))).toBe(true);
  expect(await runDifferences(whole.folder, job.folder)).toEqual([]);
});
