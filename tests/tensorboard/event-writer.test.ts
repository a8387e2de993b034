import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { random } from '../../src/core/random.js';
import { boardWriter } from '../../src/tensorboard/event-writer.js';
import type { RunEvent } from '../../src/train/events.js';
import { type Curve, curvesOf, expectedCurves, readEvents } from '../helpers/event-file.js';
import { temporaryFolder } from '../helpers/folder.js';
import { type ScriptedOptions, scriptedRun, writeGo } from '../helpers/scripted-run.js';

const filesIn = (board: string) => readdirSync(board).map((name) => readFileSync(join(board, name)));

function expectCurves(board: string, expected: Record<string, Curve>, what = '') {
  const files = filesIn(board);
  expect(curvesOf(files, true), `${what}, read by marks`).toEqual(expected);
  expect(curvesOf(files, false), `${what}, read by steps`).toEqual(expected);
}

const OPTIONS: ScriptedOptions[] = [
  {},
  { logEvery: 4, evalEvery: 3 },
  { evalEvery: 100, stages: 3 },
  { logEvery: 5, steps: 7 },
];

describe('a run that is never interrupted', () => {
  test.each(OPTIONS)('has the values of events.jsonl at the steps of the whole run: %j', async (options) => {
    const run = scriptedRun(options);
    const board = join(run.folder, 'tensorboard');
    await writeGo(run, board, [], run.events());
    expectCurves(board, expectedCurves(run.events(), options.steps ?? 6));
    expect(readdirSync(board)).toEqual([expect.stringMatching(/^events\.out\.tfevents\.\d{10}\.phasetune-\w+\.0000$/)]);
  });

  test('that goes back to a checkpoint has the values that stand in events.jsonl', async () => {
    const run = scriptedRun({ spike: { stage: 2, step: 5 } });
    const board = join(run.folder, 'tensorboard');
    await writeGo(run, board, [], run.events());
    expectCurves(board, expectedCurves(run.events(), 6));
  });
});

describe('a run that is killed after any event and resumed', () => {
  test.each(OPTIONS)('has the values of events.jsonl only: %j', async (options) => {
    const run = scriptedRun(options);
    const [first, second] = [run.events(1), run.events(2)];
    for (let kill = 1; kill < first.length; kill += options === OPTIONS[0] ? 1 : 3) {
      const board = temporaryFolder('board');
      await writeGo(run, board, [], first.slice(0, kill));
      // What a checkpoint keeps of the log does not have the checkpoint's own event, which is repeated.
      const checkpoint = first.slice(0, kill).findLastIndex(({ type }) => type === 'checkpoint');
      const kept = checkpoint < 0 ? [] : first.slice(0, checkpoint);
      const rest = second.slice(kept.length);
      await writeGo(run, board, kept, [{ type: 'resume', stages: [], tokens: 0 }, ...rest]);
      expectCurves(board, expectedCurves([...kept, ...rest], options.steps ?? 6), `killed after event ${kill}`);
      rmSync(board, { recursive: true });
    }
  });

  test('again and again, at random, each time with other values and measured at other steps', async () => {
    for (let seed = 0; seed < 10; seed++) {
      const { integer } = random(seed, 'kills');
      const board = temporaryFolder('board');
      const folder = join(board, 'run');
      let log: RunEvent[] = [];
      for (let attempt = 0; attempt < 5; attempt++) {
        const run = scriptedRun({ folder, stages: 3, evalEvery: 2 + integer(4) });
        const checkpoint = log.findLastIndex(({ type }) => type === 'checkpoint');
        const kept = checkpoint < 0 ? [] : log.slice(0, checkpoint);
        const events = run.events(seed * 10 + attempt);
        const at = log[checkpoint];
        const from = events.findIndex(
          (event) => event.type === 'checkpoint' && at?.type === 'checkpoint' && event.path === at.path,
        );
        const rest = events.slice(Math.max(0, from)).slice(0, attempt === 4 ? undefined : 3 + integer(12));
        const resume: RunEvent[] = attempt === 0 ? [] : [{ type: 'resume', stages: [], tokens: 0 }];
        await writeGo(run, join(board, 'logs'), kept, [...resume, ...rest]);
        log = [...kept, ...rest];
      }
      expect(readdirSync(join(board, 'logs'))).toHaveLength(5);
      expectCurves(join(board, 'logs'), expectedCurves(log, 6), `seed ${seed}`);
    }
  });

  test('has all values although its first file ends at any byte, since the disk was full', async () => {
    const run = scriptedRun({ stages: 2, steps: 4, evalEvery: 2 });
    const events = run.events();
    const cut = events.findLastIndex(({ type }) => type === 'checkpoint');
    const whole = temporaryFolder('board');
    await writeGo(run, whole, [], events.slice(0, cut + 1));
    const [name] = readdirSync(whole);
    const [file] = filesIn(whole);
    for (let length = 0; length < file!.length; length += 61) {
      const board = temporaryFolder('board');
      writeFileSync(join(board, name!), file!.subarray(0, length));
      await writeGo(run, board, events.slice(0, cut), [
        { type: 'resume', stages: [], tokens: 0 },
        ...events.slice(cut),
      ]);
      expectCurves(board, expectedCurves(events, 4), `after ${length} bytes`);
      rmSync(board, { recursive: true });
    }
  });

  test('has one text and one session to a reader, and its end once it is done', async () => {
    const run = scriptedRun();
    const board = join(run.folder, 'tensorboard');
    const events = run.events();
    await writeGo(run, board, [], events.slice(0, 14));
    const cut = events.findLastIndex(({ type }, i) => i < 14 && type === 'checkpoint');
    await writeGo(run, board, events.slice(0, cut), [{ type: 'resume', stages: [], tokens: 0 }, ...events.slice(cut)]);
    const tags = filesIn(board).map((file) => readEvents(file).flatMap(({ values }) => values.map(({ tag }) => tag)));
    const others = tags.map((each) => each.filter((tag) => /^(run|_hparams_)/.test(tag)));
    expect(others).toEqual([['run', '_hparams_/session_start_info'], ['_hparams_/session_end_info']]);
  });

  test('with event files only since it was resumed has all of its values', async () => {
    const run = scriptedRun();
    const events = run.events();
    const board = temporaryFolder('board');
    await writeGo(run, board, events.slice(0, 9), [{ type: 'resume', stages: [], tokens: 0 }, ...events.slice(9)]);
    expectCurves(board, expectedCurves(events, 6));
    const [file] = filesIn(board);
    expect(readEvents(file!).flatMap(({ restart, step }) => (restart ? [step] : []))).toEqual([0]);
  });
});

describe('what cannot be written', () => {
  test('is one warning, and nothing more', async () => {
    const run = scriptedRun();
    run.write([]);
    run.writeRun();
    const board = join(temporaryFolder('board'), 'file');
    writeFileSync(board, '');
    const writer = boardWriter(board, run.folder);
    const said = [];
    for (const event of run.events()) said.push(await writer.add(event));
    await writer.close();
    expect(said[0]).toMatch(/^nothing more is written for TensorBoard, the run continues: \/.*file is a file/);
    expect(said.slice(1).every((text) => text === undefined)).toBe(true);
  });

  test('also where another run has written there meanwhile', async () => {
    const [run, other] = [scriptedRun(), scriptedRun()];
    const board = temporaryFolder('board');
    other.write([]);
    other.writeRun({ started: '2026-02-02T02:02:02.222Z' });
    const writer = boardWriter(board, other.folder);
    for (const event of other.events()) await writer.add(event);
    await writer.close();
    run.write([]);
    run.writeRun();
    expect(await boardWriter(board, run.folder).add(run.events()[0]!)).toMatch(
      /^nothing more is written for TensorBoard, the run continues: .* was not written by this run/,
    );
    expect(readdirSync(board)).toHaveLength(1);
  });

  test('nor does a folder that vanishes end anything', async () => {
    const run = scriptedRun();
    run.write([]);
    run.writeRun();
    const board = join(temporaryFolder('board'), 'logs');
    mkdirSync(board);
    const writer = boardWriter(board, run.folder);
    const events = run.events();
    for (const event of events.slice(0, 3)) expect(await writer.add(event)).toBeUndefined();
    rmSync(board, { recursive: true });
    for (const event of events.slice(3)) await writer.add(event);
    await writer.close();
  });
});
