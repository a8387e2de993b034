import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EncodedRow } from '../../src/data/encoded.js';
import { readCheckpoint } from '../../src/train/checkpoint.js';
import { newestCheckpoint } from '../../src/train/checkpoints.js';
import { readHeldOutLosses } from '../../src/train/held-out-losses.js';
import { findResumePoint } from '../../src/train/resume.js';
import { claimRunFolder, type RunFile } from '../../src/train/run-file.js';
import { type RunJob, runStages } from '../../src/train/staged-run.js';
import type { Tuner } from '../../src/train/tuner.js';
import { temporaryFolder } from '../helpers/folder.js';
import { onePerLine } from '../helpers/micro-batch.js';
import { quickTuner, runTiny, tinyJob, tinySet } from '../helpers/tiny-run.js';

let tuner: Tuner;
let job: RunJob;
let run: RunFile;
beforeAll(async () => {
  tuner = await quickTuner();
  job = await tinyJob({ train: { evalEvery: 1 } });
  ({ run } = await runTiny(tuner, job));
  await job.lock.release();
});
afterAll(() => tuner.dispose());

const held: readonly EncodedRow[] = tinySet().rows.filter(({ id }) => id.startsWith('h'));

describe('the losses of held-out rows', () => {
  test('are there for the base and after every stage, in the order of the hold-out, one line a row', async () => {
    for (const stage of [0, 1, 2, 3]) {
      const lines = readFileSync(join(job.folder, `stage-${stage}/held-out.jsonl`), 'utf8').split('\n');
      expect(lines.pop()).toBe('');
      const rows = lines.map((line) => JSON.parse(line));
      expect(rows.map(({ id }) => id)).toEqual(held.map(({ id }) => id));
      expect(rows).toEqual(
        held.map(({ id, trained }, i) => ({ id, band: Number(id[1]), nats: rows[i].nats, tokens: trained })),
      );
      expect(await readHeldOutLosses(job.folder, stage)).toEqual(rows);
    }
    expect(readdirSync(join(job.folder, 'stage-0'))).toEqual(['held-out.jsonl']);
  });

  test('have the means of the matrix, by band and over all', async () => {
    for (const { after, losses, all } of run.matrix!.rows) {
      const rows = await readHeldOutLosses(job.folder, after);
      const mean = (of: typeof rows) =>
        of.reduce((sum, { nats }) => sum + nats, 0) / of.reduce((sum, { tokens }) => sum + tokens, 0);
      expect(mean(rows)).toBeCloseTo(all, 12);
      for (const [i, { stage }] of run.matrix!.bands.entries())
        expect(mean(rows.filter(({ band }) => band === stage))).toBeCloseTo(losses[i]!, 12);
    }
  });

  test('are those of the row alone, measured with the weights of the end of the stage', async () => {
    const rows = await readHeldOutLosses(job.folder, 2);
    const { own } = await readCheckpoint(join(job.folder, run.stages[1]!.end!.path), job.base.linears);
    await tuner.loadBase([]);
    tuner.write('adapter', own.tensors);
    for (const [i, row] of held.entries()) {
      const [alone] = await tuner.evaluate(onePerLine([row]));
      // float32 sums in another order: some units of the last place of 24 bits.
      expect(Math.abs(rows[i]!.nats - alone!)).toBeLessThan(1e-5 * alone!);
    }
  });

  test('are no checkpoint', async () => {
    expect((await newestCheckpoint(job.folder, job.base.linears)).broken).toEqual([]);
    const copy = await copyOf(job);
    for (const stage of [1, 2, 3])
      for (const name of readdirSync(join(copy, `stage-${stage}`)).filter((entry) => entry.startsWith('step-')))
        rmSync(join(copy, `stage-${stage}`, name), { recursive: true });
    expect(await newestCheckpoint(copy, job.base.linears)).toEqual({ broken: [] });
  });

  test('that a run has not reached any more are gone when it continues before them', async () => {
    const folder = await copyOf(job);
    for (const stage of ['stage-2', 'stage-3'])
      for (const name of readdirSync(join(folder, stage)).filter((entry) => entry.startsWith('step-')))
        rmSync(join(folder, stage, name, 'manifest.json'));
    const { lock, run: before } = await claimRunFolder(folder, true);
    const { plan, about, base } = job;
    const resume = await findResumePoint({ folder, run: before!, plan, about, linears: base.linears, force: false });
    const seen: string[] = [];
    const task = runStages(tuner, { ...job, folder, lock, resume });
    for await (const event of task.events) {
      const there = [0, 1, 2, 3].filter((stage) => existsSync(join(folder, `stage-${stage}/held-out.jsonl`)));
      seen.push(`${event.type} ${there.join()}`);
    }
    await task.result;
    await lock.release();
    expect(seen[0]).toBe('resume 0,1,2,3');
    expect(seen.filter((what) => what.startsWith('stage ')).at(0)).toBe('stage 0,1');
    // Two steps a stage, each measured; only what was measured at the end is kept, before the stage has ended.
    const evals = ['eval 0', 'eval 0,1', 'eval 0,1', 'eval 0,1,2', 'eval 0,1,2'];
    expect(seen.filter((what) => what.startsWith('eval '))).toEqual(evals);
    const ends = ['stage-end 0,1', 'stage-end 0,1,2', 'stage-end 0,1,2,3'];
    expect(seen.filter((what) => what.startsWith('stage-end'))).toEqual(ends);
    for (const stage of [0, 1, 2, 3])
      expect(await readHeldOutLosses(folder, stage)).toEqual(await readHeldOutLosses(job.folder, stage));
  });
});

describe('readHeldOutLosses refuses', () => {
  test('a stage that the run does not have, and a file that is missing', async () => {
    await expect(readHeldOutLosses(job.folder, 4)).rejects.toMatchObject({ code: 'data', fields: { stage: 4 } });
    const folder = await copyOf(job);
    rmSync(join(folder, 'stage-1/held-out.jsonl'));
    await expect(readHeldOutLosses(folder, 1)).rejects.toThrow('no held-out losses after stage 1');
  });

  test.each([
    ['a row that is gone', (text: string) => text.slice(text.indexOf('\n') + 1), 'the file was changed'],
    ['a loss that is another', (text: string) => text.replace(/"nats":\d/, '"nats":9'), 'the file was changed'],
    ['what is no row', (text: string) => text.replace('"band":1', '"band":0'), 'band'],
  ])('%s', async (_, change, message) => {
    const folder = await copyOf(job);
    const path = join(folder, 'stage-1/held-out.jsonl');
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    await expect(readHeldOutLosses(folder, 1)).rejects.toThrow(message);
  });
});

test('a run without held-out rows has none', async () => {
  const other = await tinyJob();
  const { holdout: _, ...plan } = other.plan;
  await runTiny(tuner, { ...other, plan });
  expect(existsSync(join(other.folder, 'stage-0'))).toBe(false);
  await expect(readHeldOutLosses(other.folder, 1)).rejects.toMatchObject({ code: 'data' });
});

/** A copy of a run's folder. */
async function copyOf({ folder }: RunJob): Promise<string> {
  const copy = join(temporaryFolder('held-out'), 'run');
  await cp(folder, copy, { recursive: true });
  return copy;
}
