import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { writeJson } from '../../src/io/atomic.js';
import { lockFolder } from '../../src/io/lock.js';
import { runCell } from '../../src/study/run-cell.js';
import { readStudy, type Study, type StudyRecord, studyPaths } from '../../src/study/study-record.js';
import type { RunFile } from '../../src/train/run-file.js';
import { temporaryFolder } from '../helpers/folder.js';
import { writeTinyStudy } from '../helpers/study.js';

let study: Study;
let run: string;
beforeAll(async () => {
  study = await writeTinyStudy(temporaryFolder('study'), { arms: { a: {}, b: { order: 'one-off' } }, seeds: [1] });
  run = studyPaths(study.folder).run('a-seed-1');
});

/** A run as one that was trained a while would be recorded. */
async function recordRun(changes: object): Promise<void> {
  mkdirSync(run, { recursive: true });
  const { recipe } = study.cells[0]!;
  const about: RunFile = {
    ...{
      schema: 'phasetune/run',
      version: 2,
      status: 'interrupted',
      started: 'now',
      versions: {},
      begunIn: study.folder,
    },
    ...{ order: 'phased', seed: 1, stages: [] },
    inputs: { model: { path: '', files: {} }, data: { path: '', manifest: '' } },
    recipe: { ...recipe, ...changes },
  };
  await writeJson(join(run, 'run.json'), about);
}

const cell = async (index = 1) => runCell({ folder: study.folder, index }).result;

const threads = process.env.TF_NUM_INTRAOP_THREADS;
afterEach(() => {
  if (threads === undefined) delete process.env.TF_NUM_INTRAOP_THREADS;
  else process.env.TF_NUM_INTRAOP_THREADS = threads;
});

describe('a cell is refused', () => {
  test('that the study does not have', async () => {
    await expect(cell(3)).rejects.toMatchObject({
      code: 'usage',
      problem: `${study.folder}: there is no cell 3; the study has 2`,
    });
  });

  test('whose run was made with another recipe, with every difference', async () => {
    await recordRun({ batchRows: 8, seed: 2 });
    await expect(cell()).rejects.toMatchObject({
      code: 'usage',
      problem: `${run}: this run was made with another recipe than the cell's (seed was 2, is 1; batchRows was 8, is 4)`,
    });
  });

  test('whose recipe names an option that there is none of', async () => {
    const cells = studyPaths(study.folder).cells;
    const text = readFileSync(cells, 'utf8');
    writeFileSync(cells, text.replace('"batchRows"', '"batchRow"'));
    await expect(cell()).rejects.toThrow('`batchRow`: unknown option');
    writeFileSync(cells, text);
  });

  test('whose base model has changed since the study was started', async () => {
    const config = join(String(study.cells[0]!.recipe.model), 'config.json');
    const text = readFileSync(config, 'utf8');
    appendFileSync(config, '\n');
    await expect(cell()).rejects.toMatchObject({
      code: 'data',
      problem: expect.stringMatching(/the model has changed since the study was started: base model's config.json was/),
    });
    writeFileSync(config, text);
  });
});

describe('of a study with', () => {
  let record: StudyRecord;
  beforeEach(async () => {
    ({ record } = await readStudy(study.folder));
  });
  afterEach(() => writeJson(studyPaths(study.folder).record, record));
  const change = (changes: Partial<StudyRecord>) =>
    writeJson(studyPaths(study.folder).record, { ...record, ...changes });

  test('other versions, a cell is refused', async () => {
    await change({ versions: { phasetune: '0.0.1', node: process.version } });
    await expect(cell()).rejects.toMatchObject({
      code: 'usage',
      problem: expect.stringMatching(/was started with other versions: version.phasetune was "0.0.1", is "/),
    });
  });

  test('a number of threads, TensorFlow is given it', async () => {
    await recordRun({ seed: 9 });
    await change({ study: { ...record.study, executor: { kind: 'local', threads: 3 } } });
    process.env.TF_NUM_INTRAOP_THREADS = '7';
    await expect(cell()).rejects.toThrow('another recipe');
    expect(process.env.TF_NUM_INTRAOP_THREADS).toBe('3');
  });
});

test('a process that still holds the run is waited for', async () => {
  await recordRun({ seed: 9 });
  const lock = await lockFolder(run);
  const waiting = runCell({ folder: study.folder, index: 1 });
  const seen: unknown[] = [];
  const error = (async () => {
    for await (const event of waiting.events) {
      seen.push(event);
      await lock.release();
    }
  })();
  await expect(error).rejects.toThrow('another recipe');
  expect(seen).toEqual([
    { type: 'warning', message: expect.stringMatching(`process ${process.pid} on host .* still holds this run`) },
  ]);
});

test('an interrupt ends the wait', async () => {
  const lock = await lockFolder(run);
  const stop = new AbortController();
  const waiting = runCell({ folder: study.folder, index: 1 }, { signal: stop.signal });
  setTimeout(() => stop.abort(new Error('stopped here')), 50);
  await expect(waiting.result).rejects.toThrow('stopped here');
  await lock.release();
});
