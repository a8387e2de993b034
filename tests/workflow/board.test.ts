import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { resolveStaging, stagingOptionsSchema } from '../../src/curriculum/staging-options.js';
import { stageInto } from '../../src/curriculum/write.js';
import { importFile } from '../../src/data/import.js';
import { exportTensorBoard } from '../../src/report/tensorboard/export.js';
import type { RunEvent } from '../../src/train/events.js';
import { readRunEvents } from '../../src/train/read-run-events.js';
import { runDifferences } from '../../src/train/run-differences.js';
import { readRunFile } from '../../src/train/run-file.js';
import { boardFolder } from '../../src/workflow/board.js';
import { planTraining, train } from '../../src/workflow/train.js';
import type { TrainingInput } from '../../src/workflow/train-options.js';
import { testBackend } from '../helpers/backend.js';
import { curvesOf, expectedCurves, readEvents } from '../helpers/event-file.js';
import { temporaryFolder } from '../helpers/folder.js';
import { ROOT } from '../helpers/program.js';
import { writeTinyModel } from '../helpers/tiny-model.js';

let home: string;
let recipe: { model: string; data: string; steps: number; saveEvery: number; batchRows: number; compile?: 'none' };

beforeAll(async () => {
  const backend = await testBackend();
  home = temporaryFolder('board');
  const model = await writeTinyModel(join(home, 'model'));
  const data = join(home, 'staged');
  const raw = join(ROOT, 'datasets/demo/raw.jsonl');
  const { records } = await importFile(raw, { format: 'auto', badRows: 'refuse' });
  const staging = stagingOptionsSchema.parse({ stages: 2, by: 'rows', holdout: 2, nearDuplicates: 0 });
  const input = { path: raw, import: { format: 'auto', badRows: 'refuse' } } as const;
  await stageInto(data, records.slice(0, 40), resolveStaging(staging), input);
  const compile = backend.name === 'tensorflow' ? ({ compile: 'none' } as const) : {};
  recipe = { model, data, steps: 3, saveEvery: 2, batchRows: 4, ...compile };
  await train(into('plain')).result;
});

const into = (name: string, more: Partial<TrainingInput> = {}): TrainingInput => ({
  ...recipe,
  ...more,
  out: join(home, name),
});

/** Trains until an event, which ends the loop, as if nobody wanted the rest. */
async function leaveAt(options: TrainingInput, is: (event: RunEvent) => boolean): Promise<void> {
  for await (const event of train(options).events) if (is(event as RunEvent)) break;
}

const filesIn = async (folder: string) =>
  Promise.all(
    (await readdir(folder)).filter((name) => name.startsWith('events')).map((name) => readFile(join(folder, name))),
  );

/** Compares a run's event files, as both kinds of readers show them, with its `events.jsonl`. */
async function expectSameAsLog(board: string, run: string): Promise<void> {
  const events: RunEvent[] = [];
  for await (const event of readRunEvents(run)) events.push(event);
  const expected = expectedCurves(events, recipe.steps);
  expect(Object.keys(expected).sort()).toEqual(
    ['held_out/all', 'held_out/band_1', 'held_out/band_2', 'stage'].concat([
      'train/grad_norm',
      'train/learning_rate',
      'train/loss',
      'train/tokens_per_second',
    ]),
  );
  for (const marks of [true, false]) expect(curvesOf(await filesIn(board), marks)).toEqual(expected);
}

describe('with `tensorboard`', () => {
  test('a run writes event files in its own folder, and comes to the same as without', async () => {
    const out = join(home, 'own');
    await train(into('own', { tensorboard: true })).result;
    await expectSameAsLog(join(out, 'tensorboard'), out);
    expect(await runDifferences(join(home, 'plain'), out)).toEqual([]);
    expect((await readRunFile(out)).recipe).not.toHaveProperty('tensorboard');
  });

  test('a run that is stopped and resumed continues in its own folder, without being asked', async () => {
    const out = join(home, 'resumed');
    await leaveAt(into('resumed', { tensorboard: true }), (event) => event.type === 'step' && event.step === 3);
    await train({ out, resume: true }).result;
    expect(await readdir(join(out, 'tensorboard'))).toHaveLength(2);
    await expectSameAsLog(join(out, 'tensorboard'), out);
    expect(await runDifferences(join(home, 'plain'), out)).toEqual([]);
  });

  test('and does not where the option is turned off', async () => {
    const out = join(home, 'resumed');
    const run = await readRunFile(out);
    expect(await boardFolder({ out, tensorboard: undefined }, run)).toBe(join(out, 'tensorboard'));
    expect(await boardFolder({ out, tensorboard: false }, run)).toBeUndefined();
    expect(await boardFolder({ out: join(home, 'plain'), tensorboard: undefined }, run)).toBeUndefined();
  });

  test('a run that is resumed with it for the first time writes all of its past, into a folder that is named', async () => {
    const out = join(home, 'late');
    const board = join(home, 'logs', 'named');
    await mkdir(join(board, 'of another run'), { recursive: true });
    await leaveAt(into('late'), (event) => event.type === 'step' && event.stage === 2);
    await train({ out, resume: true, tensorboard: board }).result;
    const files = (await readdir(board)).filter((name) => name !== 'of another run');
    expect(files).toEqual([expect.stringMatching(/^events\.out\.tfevents\.\d{10}\.phasetune-\w+\.0000$/)]);
    await expectSameAsLog(board, out);
    expect(await readdir(out)).not.toContain('tensorboard');
  });

  test('a run that is done can be exported to the same values', async () => {
    const out = join(home, 'exported');
    await exportTensorBoard({ folder: join(home, 'plain'), out });
    await expectSameAsLog(out, join(home, 'plain'));
    const kinds = (files: Buffer[]) =>
      files.flatMap((file) => readEvents(file).flatMap(({ values }) => values.map(({ tag }) => tag)));
    expect(kinds(await filesIn(out))).toEqual(kinds(await filesIn(join(home, 'own', 'tensorboard'))));
  });
});

describe('a folder for event files', () => {
  test('with those of something else is refused before anything is done, as is a file', async () => {
    const board = join(home, 'foreign');
    await mkdir(board);
    await writeFile(join(board, 'events.out.tfevents.1700000000.host.1.0'), '');
    const error = {
      code: 'usage',
      message: expect.stringMatching(
        /foreign.*was not written by this run; TensorBoard would show both as one run; set `tensorboard` to/,
      ),
      fields: { option: 'tensorboard' },
    };
    await expect(train(into('refused', { tensorboard: board })).result).rejects.toMatchObject(error);
    await expect(planTraining(into('refused', { tensorboard: board }))).rejects.toMatchObject(error);
    await writeFile(join(home, 'file'), '');
    await expect(train(into('refused', { tensorboard: join(home, 'file') })).result).rejects.toMatchObject({
      ...{ code: 'usage', message: expect.stringMatching(/file is a file; expected a folder/) },
      fields: { option: 'tensorboard' },
    });
    expect(await readdir(home)).not.toContain('refused');
  });

  test('of another run is refused', async () => {
    const board = join(home, 'own', 'tensorboard');
    await expect(train(into('refused', { tensorboard: board })).result).rejects.toMatchObject({ code: 'usage' });
  });

  test('that cannot be written is one warning, and the run ends as it should', async () => {
    const out = join(home, 'unwritable');
    const warnings: string[] = [];
    const run = train(into('unwritable', { tensorboard: '/proc/phasetune' }));
    for await (const event of run.events) if (event.type === 'warning') warnings.push(event.message);
    expect(warnings).toEqual([
      expect.stringMatching(/^nothing more is written for TensorBoard, the run continues: .*\/proc/),
    ]);
    expect(await runDifferences(join(home, 'plain'), out)).toEqual([]);
  });
});
