import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PhasetuneError } from '../../../../src/core/errors.js';
import { openLivePage } from '../../../../src/live/open.js';
import { ASK_MS } from '../../../../src/live/views/follow-study.js';
import { appendAttempt } from '../../../../src/study/attempts.js';
import { stopStudy, studyStatus } from '../../../../src/study/control.js';
import { refuseLeftJobs } from '../../../../src/study/left-jobs.js';
import type { Study } from '../../../../src/study/study-record.js';
import { studyPaths } from '../../../../src/study/study-record.js';
import { temporaryFolder } from '../../../helpers/folder.js';
import { ROOT } from '../../../helpers/program.js';
import { writeFakeStudy } from '../../../helpers/study.js';
import { ask } from '../../../live/ask.js';
import { appears, behave, inCell, lives, type Ran, runAll, startsOf } from '../../fake.js';
import { type FakeCluster, fakeCluster, fakeSlurm } from './fake-cluster.js';

let cluster: FakeCluster;
let study: Study;
const before = { ...process.env };
beforeEach(async () => {
  cluster = fakeCluster();
  study = await writeFakeStudy(temporaryFolder('study'), { file: { executor: { kind: 'slurm' } } });
  // `status` and `stop` take the environment of their process.
  Object.assign(process.env, cluster.environment);
});
afterEach(() => {
  cluster.close();
  Object.assign(process.env, before);
  delete process.env.FAKE_SLURM;
});

const run = async (options: { detach?: boolean } = {}, stop?: AbortSignal): Promise<Ran> => {
  const executor = await fakeSlurm(cluster, study);
  return runAll(study, { executor, ...options }, stop ? { signal: stop } : {});
};
const attempts = (id: string) =>
  readFileSync(studyPaths(study.folder).attempts(id), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const statesOf = (ran: Ran) => ran.states.map(({ state }) => state);
const all = ['a-seed-1', 'b-seed-1', 'a-seed-2', 'b-seed-2'];
const sleeping = () => Promise.all(all.map((id) => appears(inCell(study, id, 'sleeps'))));

describe('a study whose jobs outlive the process', () => {
  test('is one array, and the same again takes in what has come of it', async () => {
    behave(study, { '*': ['sleep', 'done'] });
    const first = await run({ detach: true });
    expect(first.events.at(-1)).toEqual({ type: 'detached', jobs: ['37_0', '37_1', '37_2', '37_3'] });
    expect(cluster.calls('sbatch')).toHaveLength(1);
    expect(attempts('a-seed-1')).toMatchObject([{ event: 'begin', executor: 'slurm' }]);
    for (const pid of await sleeping()) process.kill(Number(pid), 'SIGUSR2');
    const next = await run();
    expect(next.events.filter(({ type }) => type === 'cell-begin')).toMatchObject(
      all.map((id) => ({ id, attempt: 1, adopted: true })),
    );
    expect(statesOf(next)).toEqual(['done', 'done', 'done', 'done']);
    expect(cluster.calls('sbatch')).toHaveLength(1);
    expect(attempts('a-seed-1')).toMatchObject([{ event: 'begin' }, { event: 'end', outcome: 'done', attempt: 1 }]);
  });

  test('shows when a cell is queued and when it runs, as which job', async () => {
    behave(study, { '*': ['sleep', 'done'] });
    cluster.configure({ hold: true });
    const slurm = await fakeSlurm(cluster, study);
    const poll = async () => {
      const states = await slurm.poll();
      const queued = [...states.values()].filter(({ state }) => state === 'queued');
      if (queued.length === all.length) cluster.configure({ hold: false });
      return states;
    };
    const { events } = await runAll(study, { executor: { ...slurm, poll } }, {}, async (event) => {
      if (event.type === 'cell-running')
        process.kill(Number(await appears(inCell(study, event.id, 'sleeps'))), 'SIGUSR2');
    });
    const ofFirst = events.filter((event) => 'id' in event && event.id === 'a-seed-1');
    expect(ofFirst).toMatchObject([
      { type: 'cell-begin', attempt: 1, queued: true },
      { type: 'cell-running', job: '37_0' },
      { type: 'cell-end', outcome: 'done' },
    ]);
  });

  test('is followed by a later process that ended in between, with failures and what is tried again', async () => {
    behave(study, { 'a-seed-1': ['exit 3 no such row'], 'b-seed-1': ['kill SIGKILL', 'done'] });
    await run({ detach: true });
    while (cluster.tasks().some(({ state }) => state === 'PENDING' || state === 'RUNNING')) await sleep(20);
    const next = await run();
    expect(statesOf(next)).toEqual(['failed', 'done', 'done', 'done']);
    expect(startsOf(study, 'b-seed-1')).toHaveLength(2);
    expect(cluster.tasks().map(({ array }) => array)).toEqual(['37', '37', '37', '37', '41']);
  });

  test('says how far it is without a process: the states are asked for in one call', async () => {
    behave(study, { '*': ['sleep'] });
    await run({ detach: true });
    await sleeping();
    const asked = cluster.calls('squeue').length;
    expect((await studyStatus(study.folder)).counts).toMatchObject({ queued: 4, running: 0 });
    expect(cluster.calls('squeue')).toHaveLength(asked + 1);
    cluster.fault('squeue', 'fail');
    expect((await studyStatus(study.folder)).counts).toMatchObject({ queued: 4 });
    cluster.configure({ minJobAgeMs: 1 });
    for (const task of cluster.tasks()) cluster.happen('NODE_FAIL', task.id);
    while (cluster.tasks().some(({ state }) => state === 'RUNNING')) await sleep(20);
    expect((await studyStatus(study.folder)).counts).toMatchObject({ interrupted: 4 });
  });

  test('its live page shows where its jobs are, and asks once for many looks', async () => {
    behave(study, { '*': ['sleep'] });
    await run({ detach: true });
    await sleeping();
    const asked = cluster.calls('squeue').length;
    const began = performance.now();
    const page = await openLivePage({ folder: study.folder, port: 0 });
    for (let look = 0; look < 3; look++) {
      const { body } = await ask(page.port, new URL(page.url).pathname);
      expect(body).toContain('Cells run without a process that follows them.');
      expect(body).toContain('4 queued');
    }
    await page.close();
    const most = 1 + Math.floor((performance.now() - began) / ASK_MS);
    expect(cluster.calls('squeue').length - asked).toBeOneOf(Array.from({ length: most }, (_, i) => i + 1));
  });

  test.each([
    ['saves', {}, '130\n'],
    ['ends at once', { now: true }, undefined],
  ])('is stopped without a process: each cell %s, and a later one continues', async (_, how, stopped) => {
    behave(study, { '*': ['sleep', 'done'] });
    await run({ detach: true });
    const pids = (await sleeping()).map(Number);
    expect(await stopStudy(study.folder, how)).toEqual({ jobs: 4 });
    while (pids.some(lives)) await sleep(20);
    const trace = inCell(study, 'a-seed-1', 'stopped');
    expect(existsSync(trace) ? readFileSync(trace, 'utf8') : undefined).toBe(stopped);
    while (cluster.tasks().some(({ state }) => state === 'RUNNING')) await sleep(20);
    expect((await studyStatus(study.folder)).counts).toMatchObject({ interrupted: 4 });
    expect(await stopStudy(study.folder)).toBeUndefined();
    const next = await run();
    expect(statesOf(next)).toEqual(['done', 'done', 'done', 'done']);
    expect(attempts('a-seed-1')).toMatchObject([
      { event: 'begin', attempt: 1 },
      { event: 'end', attempt: 1, outcome: 'interrupted' },
      { event: 'begin', attempt: 2 },
      { event: 'end', attempt: 2, outcome: 'done' },
    ]);
  });

  test('is not continued by another executor before they have ended', async () => {
    behave(study, { '*': ['sleep'] });
    await run({ detach: true });
    await sleeping();
    const { record } = study;
    const local = {
      ...study,
      record: { ...record, study: { ...record.study, executor: { ...record.study.executor, kind: 'local' as const } } },
    };
    await expect(refuseLeftJobs(local, process.env)).rejects.toThrow(
      '4 cells are jobs of Slurm that have not ended, and `executor: local` would not know of them; set `executor: slurm` to follow them, or run `ablate stop` to end them first',
    );
    await refuseLeftJobs(study, process.env);
    await stopStudy(study.folder, { now: true });
    while (cluster.tasks().some(({ state }) => state === 'RUNNING')) await sleep(20);
    await refuseLeftJobs(local, process.env);
  });

  test('is as many arrays as the largest one takes', async () => {
    cluster.configure({ maxArraySize: 3 });
    expect(statesOf(await run())).toEqual(['done', 'done', 'done', 'done']);
    expect(cluster.tasks().map(({ id }) => id)).toEqual(['37_0', '37_1', '37_2', '40_0']);
  });

  test('ends an attempt that was begun and never submitted', async () => {
    const time = new Date().toISOString();
    const begin = { event: 'begin', attempt: 1, time, executor: 'slurm', host: 'h' } as const;
    await appendAttempt(studyPaths(study.folder).attempts('a-seed-1'), begin);
    const { events } = await run();
    expect(attempts('a-seed-1')).toMatchObject([
      { event: 'begin', attempt: 1 },
      { event: 'end', attempt: 1, outcome: 'interrupted' },
      { event: 'begin', attempt: 2 },
      { event: 'end', attempt: 2, outcome: 'done' },
    ]);
    expect(events.filter((event) => event.type === 'cell-begin' && event.adopted)).toEqual([]);
  });
});

describe('an interrupt', () => {
  const reason = (signal: string) => new PhasetuneError('interrupted', 'interrupted', { signal });

  test.each([
    ['SIGTERM', reason('SIGTERM')],
    ['SIGHUP', reason('SIGHUP')],
  ])('by %s is for the process alone: jobs go on', async (_, why) => {
    behave(study, { '*': ['sleep', 'done'] });
    const stop = new AbortController();
    const running = run({}, stop.signal);
    const pids = (await sleeping()).map(Number);
    stop.abort(why);
    expect((await running).error).toMatchObject({
      code: 'interrupted',
      message:
        'stopped with 0 of 4 cells done; 4 jobs continue without this process; run the same task again to continue',
    });
    for (const pid of pids) expect(lives(pid)).toBe(true);
  });

  test('by Ctrl-C has the cells save, and the same again continues', async () => {
    behave(study, { '*': ['sleep', 'done'] });
    const stop = new AbortController();
    const running = run({}, stop.signal);
    await sleeping();
    stop.abort(reason('SIGINT'));
    expect((await running).error).toMatchObject({ message: expect.stringContaining('all is saved') });
    expect(readFileSync(inCell(study, 'a-seed-1', 'stopped'), 'utf8')).toBe('130\n');
    expect(attempts('a-seed-1').at(-1)).toMatchObject({ event: 'end', outcome: 'interrupted' });
    expect(statesOf(await run())).toEqual(['done', 'done', 'done', 'done']);
  });
});

test('a process that is killed leaves its jobs, and the next one follows them', async () => {
  behave(study, { '*': ['sleep', 'done'] });
  const program = join(ROOT, 'tests/study/executors/slurm/coordinator.ts');
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program, study.folder], {
    env: { ...process.env, ...cluster.environment },
    stdio: 'ignore',
  });
  const pids = (await sleeping()).map(Number);
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  for (const pid of pids) {
    expect(lives(pid)).toBe(true);
    process.kill(pid, 'SIGUSR2');
  }
  expect(statesOf(await run())).toEqual(['done', 'done', 'done', 'done']);
  expect(cluster.calls('sbatch')).toHaveLength(1);
  for (const id of all) expect(startsOf(study, id)).toHaveLength(2);
});
