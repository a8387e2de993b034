import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runDifferences } from '../../src/train/run-differences.js';
import { runTiny, tinyJob, tinyTuner } from '../helpers/tiny-run.js';

let home: string;
let run: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'phasetune-differences-'));
  const [tuner, job] = [await tinyTuner(), await tinyJob()];
  await runTiny(tuner, job);
  tuner.dispose();
  run = job.folder;
});
afterAll(() => rm(home, { recursive: true }));

/** A copy of the run with one file's text changed. */
async function changed(name: string, file: string, change: (text: string) => string): Promise<string> {
  const copy = join(home, name);
  await cp(run, copy, { recursive: true });
  const before = await readFile(join(copy, file), 'latin1');
  const after = change(before);
  expect(after).not.toBe(before);
  await writeFile(join(copy, file), after, 'latin1');
  return copy;
}

const END = 'stage-2/step-000002';

test.each([
  [
    'a bit of the optimizer',
    `${END}/optimizer.safetensors`,
    (text: string) => `${text.slice(0, -1)}~`,
    `${END}/optimizer.safetensors`,
  ],
  [
    'a loss in the log',
    'events.jsonl',
    (text: string) => text.replace(/"loss":\d/, '"loss":77'),
    'events.jsonl, line 5',
  ],
  [
    'the state of a generator',
    `${END}/trainer_state.json`,
    (text: string) => text.replace(/"random": \[\s*\d+/, '"random": [7'),
    `${END}/trainer_state.json`,
  ],
  [
    'the loss of a held-out row',
    'stage-0/held-out.jsonl',
    (text: string) => text.replace(/"nats":\d/, '"nats":7'),
    'stage-0/held-out.jsonl, line 1',
  ],
  [
    'what is told of a stage',
    'run.json',
    (text: string) => text.replace(/"trainedTokens": \d+/, '"trainedTokens": 1'),
    'run.json',
  ],
])('%s is a difference', async (name, file, change, told) => {
  expect(await runDifferences(run, await changed(name, file, change))).toEqual([`${told} differs`]);
});

test('a file that only one has is a difference', async () => {
  const copy = join(home, 'without');
  await cp(run, copy, { recursive: true });
  await rm(join(copy, 'adapter/adapter_config.json'));
  expect(await runDifferences(run, copy)).toEqual([`adapter/adapter_config.json is missing in ${copy}`]);
});

test('times, and how often the run went on, are none', async () => {
  const times = await changed('times', 'events.jsonl', (text) => text.replace(/"seconds":[\d.e-]+/g, '"seconds":9'));
  expect(await runDifferences(run, times)).toEqual([]);
  const resumed = await changed('resumed', 'run.json', (text) => text.replace('"status"', '"resumed": [], "status"'));
  expect(await runDifferences(run, resumed)).toEqual([]);
});
