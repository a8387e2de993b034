import { appendFileSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { beforeEach, describe, expect, test } from 'vitest';
import { lockFolder } from '../../src/io/lock.js';
import { appendAttempt } from '../../src/study/attempts.js';
import { cellStates } from '../../src/study/cell-states.js';
import { retryCells, studyStatus } from '../../src/study/control.js';
import type { Attempt, Failure } from '../../src/study/state.js';
import { type Study, studyPaths } from '../../src/study/study-record.js';
import { temporaryFolder } from '../helpers/folder.js';
import { writeFakeStudy } from '../helpers/study.js';
import { behave, inCell, runAll } from './fake.js';

let study: Study;
beforeEach(async () => {
  study = await writeFakeStudy(temporaryFolder('study'));
});

const time = '2026-11-28T00:00:00.000Z';
const begin = (attempt: number): Attempt => ({ event: 'begin', attempt, time, executor: 'local', host: 'h' });
const failed = (attempt: number, failure: Failure): Attempt => ({
  ...{ event: 'end', attempt, time, code: 1, signal: null, outcome: 'failed' },
  failure,
  reason: 'because',
});

const note = async (id: string, ...lines: Attempt[]) => {
  for (const line of lines) await appendAttempt(studyPaths(study.folder).attempts(id), line);
};
const states = async (known?: Parameters<typeof cellStates>[1]) =>
  (await cellStates(study, known)).map(({ state }) => state);
const stateOf = async (index: number) => (await cellStates(study))[index - 1];
const inRun = (id: string, name: string) => inCell(study, id, `run/${name}`);

/** Changes what `run.json` of a cell says. */
function change(id: string, how: (run: Record<string, unknown> & { stages: object[] }) => void): void {
  const run = JSON.parse(readFileSync(inRun(id, 'run.json'), 'utf8'));
  how(run);
  writeFileSync(inRun(id, 'run.json'), JSON.stringify(run));
}

describe('the state of a cell', () => {
  test('is waiting before anything was done', async () => {
    expect(await states()).toEqual(['waiting', 'waiting', 'waiting', 'waiting']);
  });

  test('is running while a living process holds its run, and says which', async () => {
    const lock = await lockFolder(studyPaths(study.folder).run('a-seed-1'));
    expect(await stateOf(1)).toMatchObject({ state: 'running', pid: process.pid, host: hostname() });
    await lock.release();
    expect(await stateOf(1)).toEqual({ state: 'waiting' });
  });

  test('is interrupted where its process is dead, and lost where a host was silent for two minutes', async () => {
    const run = studyPaths(study.folder).run('a-seed-1');
    const lock = await lockFolder(run);
    const owner = readFileSync(`${run}/run.lock`, 'utf8');
    await lock.release();
    await note('a-seed-1', begin(1));
    const put = (changes: object) =>
      writeFileSync(`${run}/run.lock`, JSON.stringify({ ...JSON.parse(owner), ...changes }));
    mkdirSync(run, { recursive: true });
    put({ processStart: '1' });
    expect(await stateOf(1)).toEqual({ state: 'interrupted' });
    put({ host: 'elsewhere', pid: 12 });
    expect(await stateOf(1)).toMatchObject({ state: 'running', pid: 12, host: 'elsewhere' });
    utimesSync(`${run}/run.lock`, new Date(), new Date(Date.now() - 121_000));
    expect(await stateOf(1)).toEqual({ state: 'lost' });
  });

  test('is queued between its start and the first sign of its run, while somebody runs the study', async () => {
    await note('a-seed-1', begin(1));
    expect(await states()).toEqual(['interrupted', 'waiting', 'waiting', 'waiting']);
    const lock = await lockFolder(study.folder);
    expect((await states())[0]).toBe('queued');
    await lock.release();
    expect(await states(new Map([[2, { state: 'running' }]]))).toEqual(['interrupted', 'queued', 'waiting', 'waiting']);
  });

  test('is failed for good by its failure and how often it was tried', async () => {
    await note('a-seed-1', begin(1), failed(1, 'data'));
    await note('b-seed-1', begin(1), failed(1, 'killed'), begin(2), failed(2, 'killed'));
    await note('a-seed-2', begin(1), failed(1, 'killed'), begin(2), failed(2, 'killed'), begin(3), failed(3, 'killed'));
    expect(await cellStates(study)).toEqual([
      { state: 'failed', failure: 'data', reason: 'because', attempts: 1 },
      { state: 'interrupted' },
      { state: 'failed', failure: 'killed', reason: 'because', attempts: 3 },
      { state: 'waiting' },
    ]);
    expect(await retryCells(study.folder)).toEqual(['a-seed-1', 'a-seed-2']);
    expect(await states()).toEqual(['interrupted', 'interrupted', 'interrupted', 'waiting']);
    await note('a-seed-2', begin(4), failed(4, 'killed'), begin(5), failed(5, 'killed'));
    expect((await states())[2]).toBe('interrupted');
  });

  test('does not depend on a line of attempts that is cut off', async () => {
    await note('a-seed-1', begin(1), failed(1, 'data'));
    appendFileSync(studyPaths(study.folder).attempts('a-seed-1'), '{"event":"ret');
    expect(await stateOf(1)).toMatchObject({ state: 'failed' });
    expect(await retryCells(study.folder, ['1'])).toEqual(['a-seed-1']);
    expect(await stateOf(1)).toEqual({ state: 'interrupted' });
  });
});

describe('a run that says it is done', () => {
  beforeEach(async () => {
    await runAll(study, { indices: [1] });
    expect(await stateOf(1)).toEqual({ state: 'done' });
  });

  const refused = async (failure: Failure, reason: string | RegExp) =>
    expect(await stateOf(1)).toEqual({
      ...{ state: 'failed', failure, attempts: 1 },
      reason: typeof reason === 'string' ? reason : expect.stringMatching(reason),
    });

  test('does not count with another adapter, or without one', async () => {
    appendFileSync(inRun('a-seed-1', 'adapter/adapter_model.safetensors'), 'x');
    await refused('data', /the adapter is missing or was changed$/);
    rmSync(inRun('a-seed-1', 'adapter'), { recursive: true });
    await refused('data', /the adapter is missing or was changed$/);
    expect((await runAll(study)).states.map(({ state }) => state)).toEqual(['failed', 'done', 'done', 'done']);
  });

  test('does not count where it trained on other rows, or fewer', async () => {
    change('a-seed-1', ({ stages }) => Object.assign(stages[0]!, { consumed: { rows: 4, sha256: '0'.repeat(64) } }));
    await refused('data', 'the rows that it consumed are not those that were planned');
    change('a-seed-1', ({ stages }) => Object.assign(stages[0]!, { trainedTokens: 98 }));
    await refused('data', 'it trained on 98 tokens; planned were 100');
    change('a-seed-1', ({ stages }) => Object.assign(stages[0]!, { skipped: [3, 4] }));
    await refused('loss spike', '2 steps were skipped, so it trained on less than was planned');
  });

  test('does not count where it cannot be read', async () => {
    writeFileSync(inRun('a-seed-1', 'run.json'), '{"schema": "phasetune/run"');
    await refused('data', /run\.json:1:\d+: not valid JSON/);
  });

  test('cannot be tried again', async () => {
    await expect(retryCells(study.folder, ['a-seed-1'])).rejects.toThrow('a-seed-1 is done');
    await expect(retryCells(study.folder, ['c'])).rejects.toThrow('there is no cell c');
    const lock = await lockFolder(studyPaths(study.folder).run('b-seed-1'));
    await expect(retryCells(study.folder, ['b-seed-1'])).rejects.toThrow('b-seed-1 is running');
    await lock.release();
  });
});

test('the status of a study: counts, blocks, seconds, who runs it', async () => {
  behave(study, { 'b-seed-2': ['exit 2 wrong'] });
  await runAll(study, { indices: [1, 2, 4] });
  const lock = await lockFolder(study.folder, 'ablate');
  const status = await studyStatus(study.folder);
  expect(status).toMatchObject({
    counts: { done: 2, failed: 1, waiting: 1, running: 0, queued: 0, interrupted: 0, lost: 0 },
    blocks: { planned: 2, complete: 1 },
    coordinator: { pid: process.pid, host: hostname() },
    seconds: 2,
    secondsLeft: 1,
  });
  expect(status.cells.map(({ cell, state }) => [cell.id, state.state])).toEqual([
    ['a-seed-1', 'done'],
    ['b-seed-1', 'done'],
    ['a-seed-2', 'waiting'],
    ['b-seed-2', 'failed'],
  ]);
  await lock.release();
  expect(await studyStatus(study.folder)).not.toHaveProperty('coordinator');
});
