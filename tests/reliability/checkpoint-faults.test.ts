import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { float32 } from '../../src/core/host-tensor.js';
import { newestCheckpoint } from '../../src/train/checkpoints.js';
import { findResumePoint } from '../../src/train/resume.js';
import { claimRunFolder, readRunFile, writeRunFile } from '../../src/train/run-file.js';
import type { RunJob } from '../../src/train/staged-run.js';
import type { Tuner } from '../../src/train/tuner.js';
import { bytesOf, quickTuner, runTiny, tinyJob } from '../helpers/tiny-run.js';

/** What happens to a file right after it was written, by a disk that says that all is well. */
const disk = vi.hoisted(() => ({ spoil: (_path: string): void => {} }));

/** The function, after which what it wrote is spoiled. */
const spoiled = vi.hoisted(
  () =>
    <A extends unknown[], R>(write: (...args: A) => Promise<R>, pathOf: (...args: A) => unknown) =>
    async (...args: A): Promise<R> => {
      const result = await write(...args);
      disk.spoil(String(pathOf(...args)));
      return result;
    },
);
vi.mock('../../src/io/atomic.js', async (original) => {
  const actual = await original<typeof import('../../src/io/atomic.js')>();
  return { ...actual, writeJson: spoiled(actual.writeJson, (path) => path) };
});
vi.mock('../../src/io/safetensors.js', async (original) => {
  const actual = await original<typeof import('../../src/io/safetensors.js')>();
  return { ...actual, writeSafetensors: spoiled(actual.writeSafetensors, (path) => path) };
});
vi.mock('../../src/io/files.js', async (original) => {
  const actual = await original<typeof import('../../src/io/files.js')>();
  return { ...actual, copyFile: spoiled(actual.copyFile, (_, to) => to) };
});

let tuner: Tuner;
beforeAll(async () => {
  tuner = await quickTuner();
});
afterAll(() => tuner.dispose());
afterEach(() => {
  disk.spoil = () => {};
});

/** Ways in which a disk may fail to keep a file. */
const FAULTS: Readonly<Record<string, (path: string) => void>> = {
  'is cut off': (path) => truncateSync(path, readFileSync(path).length >> 1),
  'is cut off near its end': (path) => truncateSync(path, readFileSync(path).length - 3),
  'is empty': (path) => truncateSync(path, 0),
  'is full of zeros': (path) => writeFileSync(path, new Uint8Array(readFileSync(path).length)),
  'has another byte near its end': (path) => {
    const bytes = readFileSync(path);
    // Not the line break after JSON, nor the bracket that ends it.
    bytes[bytes.length - 4]! ^= 1;
    writeFileSync(path, bytes);
  },
  'is gone': (path) => rmSync(path),
};

/** Files of a checkpoint in the order in which they are written, its own manifest last. */
const FILES = [
  'adapter_model.safetensors',
  'adapter_config.json',
  'optimizer.safetensors',
  'trainer_state.json',
  'manifest.json',
];

const OPTIONS = { train: { saveEvery: 1, keepLast: 1 } } as const;
const WEIGHTS = 'adapter/adapter_model.safetensors';

const leftovers = ({ folder }: RunJob): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(tmp|old)$/.test(name));

/** Resumes a run, with a disk that works again. */
async function resumed(job: RunJob): Promise<Awaited<ReturnType<typeof runTiny>>> {
  disk.spoil = () => {};
  await job.lock.release();
  const { lock, run } = await claimRunFolder(job.folder, true);
  const { folder, plan, about, base } = job;
  const resume = await findResumePoint({ folder, run: run!, plan, about, linears: base.linears, force: false });
  return runTiny(tuner, { ...job, lock, resume });
}

let whole: Buffer;
beforeAll(async () => {
  const job = await tinyJob(OPTIONS);
  await runTiny(tuner, job);
  whole = await bytesOf(job, WEIGHTS);
});

describe.each(FILES)('%s of a checkpoint', (file) => {
  test.each(Object.entries(FAULTS))(
    '%s: the checkpoint before it stays, and the run continues from there',
    async (_, fault) => {
      const job = await tinyJob(OPTIONS);
      disk.spoil = (path) => {
        if (path.endsWith(`/${file}`) && path.includes('stage-2/.step-000001.')) fault(path);
      };
      const error = await runTiny(tuner, job).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'failed', fields: { file: expect.stringContaining('stage-2/step-000001') } });
      const { message } = error as Error;
      expect(message).toMatch(/^cannot write .*stage-2\/step-000001/);
      expect(message).toMatch(/`resume`$/);
      expect(message.split('\n')).toHaveLength(1);
      expect(message).not.toContain('.tmp');
      expect(leftovers(job)).toEqual([]);
      const { found } = await newestCheckpoint(job.folder, job.base.linears);
      expect(found?.saved.path).toBe('stage-2/step-000000');
      expect(await readRunFile(job.folder)).toMatchObject({ status: 'failed' });
      const { run } = await resumed(job);
      expect(run.status).toBe('done');
      expect((await bytesOf(job, WEIGHTS)).equals(whole)).toBe(true);
    },
  );
});

test.each(Object.entries(FAULTS))('a matrix of the adapter to take away %s: the one before stays', async (_, fault) => {
  const job = await tinyJob(OPTIONS);
  disk.spoil = (path) => {
    if (path.includes('/.adapter.') && path.endsWith('/adapter_model.safetensors')) fault(path);
  };
  await expect(runTiny(tuner, job)).rejects.toMatchObject({
    code: 'failed',
    message: expect.stringMatching(/^cannot write .*\/adapter: it does not read back.*`resume`$/),
  });
  expect(readdirSync(job.folder)).not.toContain('adapter');
  expect(leftovers(job)).toEqual([]);
  expect((await resumed(job)).run.status).toBe('done');
  expect((await bytesOf(job, WEIGHTS)).equals(whole)).toBe(true);
});

test('an adapter that is no numbers any more is not saved, and the checkpoint before it stays', async () => {
  const job = await tinyJob(OPTIONS);
  let reads = 0;
  const diverging: Tuner = {
    ...tuner,
    async read(what) {
      const tensors = await tuner.read(what);
      if (what !== 'adapter' || ++reads < 3) return tensors;
      const [name, { shape, data }] = [...tensors][1]!;
      return new Map([
        ...tensors,
        [name, float32(shape, data.map((v, i) => (i === 2 ? Infinity : v)) as Float32Array)],
      ]);
    },
  };
  await expect(runTiny(diverging, job)).rejects.toMatchObject({
    code: 'failed',
    message: expect.stringMatching(
      /stage-1\/step-000002: .*element 2 of .*lora_.* is Infinity.*diverged.*lower `optim.learningRate` and start again$/,
    ),
  });
  const { found, broken } = await newestCheckpoint(job.folder, job.base.linears);
  expect([found?.saved.path, broken]).toEqual(['stage-1/step-000001', []]);
});

test('a run.json that could not be read again does not take the place of one that can', async () => {
  const job = await tinyJob(OPTIONS);
  const { run } = await runTiny(tuner, job);
  await expect(writeRunFile(job.folder, { ...run, seed: -1 })).rejects.toThrow(/run\.json: field seed/);
  expect(await readRunFile(job.folder)).toEqual(run);
});
