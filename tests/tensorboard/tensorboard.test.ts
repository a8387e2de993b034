import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { RunEvent } from '../../src/train/events.js';
import { type Curve, expectedCurves, readEvents } from '../helpers/event-file.js';
import { temporaryFolder } from '../helpers/folder.js';
import { STARTED, scriptedRun, writeGo } from '../helpers/scripted-run.js';
import { accumulate, accumulateForPages, prefixes, serve, withTensorBoard } from '../helpers/tensorboard.js';

const RESUME: RunEvent = { type: 'resume', stages: [], tokens: 0 };

/** Runs by name: the events that stand in the end, after they were written in one go or in several. */
async function writeRuns(logs: string): Promise<Record<string, RunEvent[]>> {
  const stand: Record<string, RunEvent[]> = {};
  for (const [name, options] of Object.entries({
    each: {},
    every: { logEvery: 4, evalEvery: 3 },
    rare: { evalEvery: 9 },
  })) {
    const run = scriptedRun(options);
    const [first, second] = [run.events(1), run.events(2)];
    for (const kill of [undefined, 5, 12, 13, 17, 24]) {
      const board = join(logs, `${name}-${kill ?? 'whole'}`);
      await writeGo(run, board, [], first.slice(0, kill));
      stand[`${name}-${kill ?? 'whole'}`] = first;
      if (kill === undefined) continue;
      const kept = first.slice(
        0,
        first.slice(0, kill).findLastIndex(({ type }) => type === 'checkpoint'),
      );
      const rest = second.slice(kept.length);
      await writeGo(run, board, kept, [RESUME, ...rest]);
      stand[`${name}-${kill}`] = [...kept, ...rest];
    }
  }
  const back = scriptedRun({ spike: { stage: 2, step: 5 } });
  await writeGo(back, join(logs, 'rollback'), [], back.events());
  return { ...stand, rollback: back.events() };
}

withTensorBoard(
  'all readers of TensorBoard show the values of events.jsonl, of runs that were killed and resumed too',
  async () => {
    const logs = temporaryFolder('logs');
    const stand = await writeRuns(logs);
    const expected = Object.fromEntries(
      Object.entries(stand).map(([name, events]): [string, Record<string, Curve>] => [name, expectedCurves(events, 6)]),
    );
    const points = Object.values(expected).flatMap((curves) => Object.values(curves).flat()).length;
    expect(await serve(logs, points)).toEqual(expected);
    for (const name of ['each-whole', 'each-13', 'every-17', 'rare-24', 'rollback']) {
      expect((await accumulate(join(logs, name))).scalars, name).toEqual(expected[name]);
      expect(await accumulateForPages(join(logs, name)), name).toEqual(expected[name]);
    }
  },
);

withTensorBoard('it reads the options of a run, its text and its end', async () => {
  const run = scriptedRun({ recipe: { order: 'one-off', model: '/home/<b>|`*x*' } });
  const board = join(run.folder, 'tensorboard');
  await writeGo(run, board, [], run.events());
  const { options, group, started, status, text } = await accumulate(board);
  expect(options).toEqual({
    ...{ model: '<b>|`*x*', order: 'one-off', seed: 3, batchRows: 4, 'lora.rank': 8, 'lora.rsLora': false },
    ...{ 'optim.learningRate': 2e-4, 'optim.betas': '[0.9,0.999]' },
  });
  expect([group, started, status]).toEqual(['', Date.parse(STARTED) / 1000, 1]);
  expect(Object.keys(text)).toEqual(['run']);
  expect(text.run).toEqual([[0, expect.stringContaining('| model | &#60;b&#62;&#124;&#96;&#42;x&#42; |')]]);
});

withTensorBoard('a file cut off at any byte is read up to its last whole record', async () => {
  const run = scriptedRun({ stages: 1, steps: 2 });
  const board = join(run.folder, 'tensorboard');
  await writeGo(run, board, [], run.events());
  const [name] = readdirSync(board);
  const file = readFileSync(join(board, name!));
  const counts = await prefixes(join(board, name!));
  const values = (length: number) => readEvents(file.subarray(0, length)).flatMap((event) => event.values).length;
  expect(counts).toEqual(Array.from({ length: file.length + 1 }, (_, length) => values(length)));
  expect(counts.at(-1)).toBe(2 + 4 + 2 * 5 + 4 + 1);
});
