import { readdirSync, readFileSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { exists } from '../../src/io/files.js';
import { runDifferences } from '../../src/train/run-differences.js';
import { readRunFile } from '../../src/train/run-file.js';
import { train } from '../../src/workflow/train.js';
import { ROOT, startPhasetune } from '../cli/child.js';
import { phasetune } from '../cli/in-process.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';
import { temporaryFolder } from '../helpers/folder.js';
import { writeTinyModel } from '../helpers/tiny-model.js';

let home: string;
let model: string;
let data: string;

beforeAll(async () => {
  await testBackend();
  home = temporaryFolder('devices');
  model = await writeTinyModel(join(home, 'model'));
  data = join(home, 'staged');
  const rows = (await readFile(join(ROOT, 'datasets/demo/raw.jsonl'), 'utf8')).split('\n').slice(0, 60);
  await writeFile(join(home, 'rows.jsonl'), rows.join('\n'));
  const staging = ['--stages', '2', '--by', 'rows', '--holdout', '8'];
  expect((await phasetune('stage', join(home, 'rows.jsonl'), '--out', data, ...staging)).code).toBe(0);
});

const into = (out: string): string => join(home, out);

/** Ten steps a stage, each of two lines, without XLA: what it compiles takes most of such a run. */
const STEPS = ['--steps', '10', '--save-every', '4', '--eval-every', '8', '--batch-rows', '2', '--eval-rows', '4'];
const RECIPE = [...STEPS, '--batching', 'padded', '--compile', 'none', '--lora.rank', '2', '--device', 'cpu'];

const arguments_ = (out: string, ...more: string[]) => [
  ...['train', '--model', model, '--data', data, '--out', into(out), ...RECIPE],
  ...more,
];
const start = (out: string, ...more: string[]) => startPhasetune(arguments_(out, ...more));

const resume = (out: string, ...more: string[]) =>
  startPhasetune(['train', '--out', into(out), '--resume', '--device', 'cpu', ...more]);

/** What may differ between runs on other devices: that they were. */
const differences = async (one: string, other: string) =>
  (await runDifferences(into(one), into(other))).filter((line) => line !== 'run.json differs');

/** Process ids of the workers of a process. */
const workersOf = (pid: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => {
      try {
        const parent = / \d+ \(.*\) \w (\d+) /.exec(` ${readFileSync(`/proc/${child}/stat`, 'utf8')}`)?.[1];
        return Number(parent) === pid && readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('train-worker');
      } catch {
        return false;
      }
    });

const isAlive = (pid: number): boolean => {
  try {
    // A zombie is gone, too.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

/** Waits for something, and fails when a run has ended before it. */
async function until(what: () => boolean, { ended }: Pick<ReturnType<typeof start>, 'ended'>): Promise<void> {
  let over: Awaited<typeof ended> | undefined;
  void ended.then((end) => {
    over = end;
  });
  while (!what()) {
    if (over) throw new Error(`it has ended: ${over.err}`);
    await sleep(10);
  }
}

/** A run on two devices, once it has a checkpoint of its fourth step, and its workers. */
async function startedOnTwo(out: string) {
  const run = start(out, '--devices', '0,1');
  await until(() => exists(join(into(out), 'stage-1/step-000004/manifest.json')), run);
  return { ...run, workers: workersOf(run.child.pid!) };
}

test('a device list that cannot be is refused before anything is read', async () => {
  const { code, err } = await phasetune(...arguments_('refused', '--devices', '0,0'));
  expect(code).toBe(2);
  expect(err).toMatch(/--devices.*expected each device once/);
  const env = process.env.CUDA_VISIBLE_DEVICES;
  if (env === undefined && !exists('/dev/nvidiactl')) {
    const none = await phasetune(...arguments_('refused', '--device', 'auto', '--devices', '0,1'));
    expect([none.code, none.err]).toEqual([2, expect.stringMatching(/--devices: there is no card 0: .*--device cpu/)]);
  }
  expect(exists(into('refused'))).toBe(false);
});

nativeOnly('two processes come to the bytes of one, say how steps are divided, and leave no process', async () => {
  const [one, two] = await Promise.all([
    start('one', '--micro-batches', '2').ended,
    start('two', '--devices', '0,1').ended,
  ]);
  expect([one.code, two.code]).toEqual([0, 0]);
  expect(two.out).toMatch(/^devices 0, 1: the 2 micro-batches of a step are dealt out, 1 to each at most$/m);
  // Adapters, moments, held-out losses and every other event.
  expect(await differences('one', 'two')).toEqual([]);
  expect((await readRunFile(into('two'))).recipe).toMatchObject({ devices: [0, 1], microBatches: 2 });
});

nativeOnly('a killed process ends the run with its error; two or one resume it to the same bytes', async () => {
  const { ended, workers } = await startedOnTwo('killed');
  expect(workers).toHaveLength(1);
  process.kill(workers[0]!, 'SIGKILL');
  const { code, err } = await ended;
  expect(code).toBe(1);
  expect(err).toContain(`device 1: its process (${workers[0]}) was ended by SIGKILL`);
  expect(workers.filter(isAlive)).toEqual([]);
  expect((await readRunFile(into('killed'))).status).toBe('failed');
  await cp(into('killed'), into('killed-one'), { recursive: true });
  const resumed = [resume('killed'), resume('killed-one', '--devices', '0')];
  for (const { ended } of resumed) expect(await ended).toMatchObject({ code: 0 });
  expect(await differences('one', 'killed')).toEqual([]);
  expect(await differences('one', 'killed-one')).toEqual([]);
});

nativeOnly(
  'an interrupt is for the run alone, which saves; and workers end with a process that is killed',
  async () => {
    const { child, ended, workers } = await startedOnTwo('interrupted');
    // As a terminal does: to all processes of the group.
    for (const pid of [...workers, child.pid!]) process.kill(pid, 'SIGINT');
    expect(await ended).toMatchObject({ code: 130, err: expect.stringContaining('all is saved in') });
    expect(workers.filter(isAlive)).toEqual([]);

    const other = resume('interrupted');
    await until(() => workersOf(other.child.pid!).length === 1, other);
    const left = workersOf(other.child.pid!);
    other.child.kill('SIGKILL');
    await other.ended;
    while (left.some(isAlive)) await sleep(10);
  },
);

nativeOnly('a program trains on several devices by the same option', async () => {
  const before = process.execArgv;
  process.execArgv = ['--import', import.meta.resolve('tsx')];
  try {
    const recipe = { steps: 1, batchRows: 2, batching: 'padded', compile: 'none', device: 'cpu' } as const;
    const options = { model, data, ...recipe, microBatches: 2 };
    await train({ ...options, out: into('program-one') }).result;
    const { run } = await train({ ...options, devices: [3, 5], out: into('program-two') }).result;
    expect(run.recipe).toMatchObject({ devices: [3, 5] });
    expect(await differences('program-one', 'program-two')).toEqual([]);
    expect(workersOf(process.pid)).toEqual([]);
  } finally {
    process.execArgv = before;
  }
});
