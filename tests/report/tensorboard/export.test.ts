import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exportTensorBoard } from '../../../src/report/tensorboard/export.js';
import { studyPaths } from '../../../src/study/study-record.js';
import { boardWriter } from '../../../src/tensorboard/event-writer.js';
import { curvesOf, expectedCurves, readEvents, readSession } from '../../helpers/event-file.js';
import { finishedStudy } from '../../helpers/finished-study.js';
import { temporaryFolder } from '../../helpers/folder.js';
import { type ScriptedOptions, STARTED, scriptedRun } from '../../helpers/scripted-run.js';
import { accumulate, withTensorBoard } from '../../helpers/tensorboard.js';

const fresh = (name = 'logs') => join(temporaryFolder('export'), name);

/** A run on the disk with its first events. */
function written({
  events: count,
  status,
  ...options
}: ScriptedOptions & { events?: number; status?: 'done' | 'failed' } = {}) {
  const run = scriptedRun(options);
  const events = run.events().slice(0, count);
  run.write(events);
  run.writeRun(status && { status, finished: '2026-01-02T04:00:00.000Z' });
  return { run, events };
}

/** Files of a folder and those in it, by their paths. */
const filesIn = (folder: string): Record<string, Buffer> =>
  Object.fromEntries(
    (readdirSync(folder, { recursive: true }) as string[])
      .filter((name) => name.includes('tfevents'))
      .sort()
      .map((name) => [name, readFileSync(join(folder, name))]),
  );

const sessionsOf = (file: Uint8Array) =>
  readEvents(file)
    .flatMap(({ values }) => values)
    .filter(({ plugin }) => plugin === 'hparams')
    .map(({ content }) => readSession(content));

describe('a run', () => {
  test('is exported with its values, at the times of its events', async () => {
    const { run, events } = written({ status: 'done' });
    const out = fresh();
    const exported = await exportTensorBoard({ folder: run.folder, out });
    const [[name, file] = ['', Buffer.alloc(0)], ...others] = Object.entries(filesIn(out));
    expect(others).toEqual([]);
    expect(name).toMatch(/^events\.out\.tfevents\.1767323045\.phasetune-\w+\.export$/);
    expect(curvesOf([file], true)).toEqual(expectedCurves(events, 6));
    const read = readEvents(file);
    expect(exported).toEqual({ out, runs: [{ folder: out, events: read.length }], missing: [] });
    const time = (i: number) => (Date.parse(STARTED) + 1000 * i) / 1000;
    const logged = events.flatMap(({ type }, i) =>
      ['run', 'step', 'eval', 'run-end'].includes(type) ? [time(i)] : [],
    );
    expect(read.map(({ wallTime }) => wallTime)).toEqual([time(0), ...logged]);
    expect(sessionsOf(file)).toMatchObject([
      { options: { order: 'phased', seed: 3, model: 'tiny' }, group: '', time: time(0) },
      { status: 1, time: time(events.length - 1) },
    ]);
  });

  test('comes to the same bytes each time, wherever it is exported to', async () => {
    const { run } = written();
    const [one, other] = [fresh('one'), fresh('other')];
    await exportTensorBoard({ folder: run.folder, out: one });
    const before = filesIn(one);
    await exportTensorBoard({ folder: run.folder, out: one });
    await exportTensorBoard({ folder: run.folder, out: other });
    expect(filesIn(one)).toEqual(before);
    expect(filesIn(other)).toEqual(before);
  });

  test('that has grown continues its file; one that was cut back has it replaced', async () => {
    const { run, events } = written({ events: 9 });
    const out = fresh();
    await exportTensorBoard({ folder: run.folder, out });
    const [[name, start]] = Object.entries(filesIn(out)) as [[string, Buffer]];
    // As a process that was killed in the middle leaves it.
    truncateSync(join(out, name), start.length - 5);
    run.write(run.events());
    await exportTensorBoard({ folder: run.folder, out });
    const whole = filesIn(out)[name]!;
    expect(whole.subarray(0, start.length)).toEqual(start);
    expect(curvesOf([whole], true)).toEqual(expectedCurves(run.events(), 6));
    run.write(events);
    await exportTensorBoard({ folder: run.folder, out });
    expect(filesIn(out)).toEqual({ [name]: start });
  });

  test('that failed says so', async () => {
    const { run } = written({ events: 9, status: 'failed' });
    const out = fresh();
    await exportTensorBoard({ folder: run.folder, out });
    expect(sessionsOf(Object.values(filesIn(out))[0]!)[1]).toMatchObject({
      ...{ status: 2, time: Date.parse('2026-01-02T04:00:00.000Z') / 1000 },
    });
  });

  test('with losses that are not finite has them as they are', async () => {
    const { run } = written();
    const events = run
      .events()
      .map((event) => (event.type === 'step' && event.step === 2 ? { ...event, loss: Number.NaN } : event));
    run.write(events);
    const out = fresh();
    await exportTensorBoard({ folder: run.folder, out });
    expect(curvesOf(Object.values(filesIn(out)), true)).toEqual(expectedCurves(events, 6));
  });
});

describe('where it is exported to', () => {
  const refusal = { code: 'usage', fields: { option: 'out' } };

  test.each(['notes.txt', 'events.out.tfevents.1700000000.host.1.0', 'cell/notes.txt'])(
    'is refused with %s in it',
    async (name) => {
      const { run } = written();
      const out = fresh();
      mkdirSync(join(out, 'cell'), { recursive: true });
      writeFileSync(join(out, name), 'mine');
      await expect(exportTensorBoard({ folder: run.folder, out })).rejects.toMatchObject({
        ...refusal,
        message: expect.stringContaining(`${name} is no part of an export`),
      });
      expect(readFileSync(join(out, name), 'utf8')).toBe('mine');
      expect(Object.keys(filesIn(out)).filter((file) => file.endsWith('.export'))).toEqual([]);
    },
  );

  test('is refused where a run writes its own files', async () => {
    const { run } = written();
    const board = join(run.folder, 'tensorboard');
    const writer = boardWriter(board, run.folder);
    await writer.add(run.events()[0]!);
    await writer.close();
    await expect(exportTensorBoard({ folder: run.folder, out: board })).rejects.toMatchObject(refusal);
    await expect(exportTensorBoard({ folder: run.folder, out: run.folder })).rejects.toMatchObject(refusal);
  });

  test('is refused where it is a file', async () => {
    const out = fresh();
    writeFileSync(out, '');
    await expect(exportTensorBoard({ folder: written().run.folder, out })).rejects.toMatchObject(refusal);
  });

  test('loses an earlier export of another run', async () => {
    const out = fresh();
    await exportTensorBoard({ folder: written().run.folder, out });
    const { run } = written();
    run.writeRun({ started: '2026-05-05T05:05:05.555Z' });
    await exportTensorBoard({ folder: run.folder, out });
    expect(Object.keys(filesIn(out))).toEqual([expect.stringMatching(/^events\.out\.tfevents\.1777957505\./)]);
  });
});

describe('what cannot be exported', () => {
  test('is a data error: no run, a run that has not begun, a damaged log', async () => {
    const out = fresh();
    const folder = temporaryFolder('export');
    await expect(exportTensorBoard({ folder, out })).rejects.toMatchObject({
      ...{ code: 'data', message: expect.stringContaining('not a run (no run.json in it)') },
    });
    const { run } = written({ events: 0 });
    await expect(exportTensorBoard({ folder: run.folder, out })).rejects.toMatchObject({
      ...{ code: 'data', message: expect.stringContaining('nothing to export, as the run has not started') },
    });
    const damaged = written().run;
    appendFileSync(join(damaged.folder, 'events.jsonl'), '{"type":\n{}\n');
    await expect(exportTensorBoard({ folder: damaged.folder, out })).rejects.toMatchObject({
      ...{ code: 'data', message: expect.stringMatching(/events\.jsonl:\d+/) },
    });
    expect(() => readdirSync(out)).toThrow('ENOENT');
  });
});

/** A study of two arms over two models and two seeds, of which one cell has not begun. */
async function writtenStudy(): Promise<string> {
  const options = { arms: ['one-off', 'phased'], seeds: 2, values: ['a', 'b'], loss: () => 1 };
  const { study } = await finishedStudy({ ...options, state: () => ({ state: 'waiting' }) });
  const cells = study.cells.map((cell, i) => ({
    ...cell,
    recipe: {
      ...{
        model: `/models/${cell.axes.model}`,
        data: `staged/${i}`,
        out: `cells/${cell.id}/run`,
        order: cell.arm,
        seed: cell.seed,
      },
      lora: { rank: 8 },
    },
    planned: { ...cell.planned, stages: cell.arm === 'phased' ? 3 : 1 },
  }));
  writeFileSync(studyPaths(study.folder).cells, cells.map((cell) => `${JSON.stringify(cell)}\n`).join(''));
  for (const cell of cells.slice(0, -1)) {
    const run = scriptedRun({ folder: studyPaths(study.folder).run(cell.id), recipe: cell.recipe });
    run.write(run.events(cell.index));
    run.writeRun({ status: 'done' });
  }
  return study.folder;
}

describe('a study', () => {
  test('has a folder for each cell, the options in which they differ, and groups over seeds', async () => {
    const folder = await writtenStudy();
    const out = fresh();
    const { runs, missing } = await exportTensorBoard({ folder, out });
    expect(missing).toEqual(['b-phased-seed-2-split-1']);
    expect(runs.map(({ cell, folder }) => [cell, folder])[0]).toEqual([
      'a-one-off-seed-1-split-1',
      join(out, 'a-one-off-seed-1-split-1'),
    ]);
    const files = filesIn(out);
    expect(Object.keys(files)).toHaveLength(7);
    const groups = Object.entries(files).map(([name, file]) => {
      const [start] = sessionsOf(file);
      return [name.split('/')[0], start!.group, start!.options];
    });
    expect(groups[0]).toEqual([
      ...['a-one-off-seed-1-split-1', 'one-off, model=a'],
      { order: 'one-off', model: 'a', arm: 'one-off', 'training stages': 1 },
    ]);
    expect(groups.map(([, group]) => group)).toEqual([
      ...['one-off, model=a', 'one-off, model=a', 'phased, model=a', 'phased, model=a'],
      ...['one-off, model=b', 'one-off, model=b', 'phased, model=b'],
    ]);
  });

  test('comes to the same bytes each time, and a cell whose run was removed leaves the export', async () => {
    const folder = await writtenStudy();
    const out = fresh();
    await exportTensorBoard({ folder, out });
    const before = filesIn(out);
    await exportTensorBoard({ folder, out });
    expect(filesIn(out)).toEqual(before);
    rmSync(studyPaths(folder).run('a-phased-seed-1-split-1'), { recursive: true });
    await exportTensorBoard({ folder, out });
    expect(Object.keys(filesIn(out))).toHaveLength(6);
  });

  test('of which no run has begun is a data error', async () => {
    const folder = await writtenStudy();
    rmSync(join(folder, 'cells'), { recursive: true });
    await expect(exportTensorBoard({ folder, out: fresh() })).rejects.toMatchObject({
      ...{ code: 'data', message: expect.stringContaining('nothing to export, as no run of it has started') },
    });
  });

  withTensorBoard('is read by TensorBoard, each cell with its options and its group', async () => {
    const out = fresh();
    await exportTensorBoard({ folder: await writtenStudy(), out });
    const { options, group, status, scalars } = await accumulate(join(out, 'b-one-off-seed-2-split-1'));
    expect(options).toEqual({ order: 'one-off', model: 'b', arm: 'one-off', 'training stages': 1 });
    expect([group, status]).toEqual(['one-off, model=b', 1]);
    expect(Object.keys(scalars)).toHaveLength(9);
  });
});
