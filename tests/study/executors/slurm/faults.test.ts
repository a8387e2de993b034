import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Executor } from '../../../../src/study/executors/executor.js';
import { readSubmissions } from '../../../../src/study/executors/slurm/submissions.js';
import type { Study } from '../../../../src/study/study-record.js';
import { temporaryFolder } from '../../../helpers/folder.js';
import { writeFakeStudy } from '../../../helpers/study.js';
import { appears, behave, inCell, runAll, startsOf } from '../../fake.js';
import { jobOf, untilEnded } from '../contract.js';
import { type FakeCluster, fakeCluster, fakeSlurm, QUICK } from './fake-cluster.js';

let cluster: FakeCluster;
let study: Study;
beforeEach(async () => {
  cluster = fakeCluster();
  study = await writeFakeStudy(temporaryFolder('study'));
});
afterEach(() => cluster.close());

const ids = ['a-seed-1', 'b-seed-1', 'a-seed-2', 'b-seed-2'];
const starts = () => ids.map((id) => startsOf(study, id).length);
const states = async (executor: Executor) => [...(await executor.poll()).values()].map(({ state }) => state);

/** Runs the study to its end; a fault must not cost a cell, nor run one twice. */
async function runsAllOnce(): Promise<void> {
  const executor = await fakeSlurm(cluster, study);
  const { error, states: ended } = await runAll(study, { executor });
  expect(error).toBeUndefined();
  expect(ended.map(({ state }) => state)).toEqual(ids.map(() => 'done'));
  expect(starts()).toEqual([1, 1, 1, 1]);
}

/** Polls until that is true. */
async function until(executor: Executor, holds: () => boolean): Promise<void> {
  while (!holds()) {
    await executor.poll();
    await sleep(10);
  }
}

/** All tasks, once none runs: a script says how it ended before it has. */
async function endedTasks() {
  while (cluster.tasks().some(({ state }) => state === 'RUNNING')) await sleep(10);
  return cluster.tasks();
}

const submitted = async () => [...(await readSubmissions(study.folder)).values()];

describe('sbatch', () => {
  test('that gives no answer, and has taken the jobs: they are found by their name', async () => {
    behave(study, { '*': ['sleep'] });
    cluster.fault('sbatch', 'hang-after');
    const executor = await fakeSlurm(cluster, study, { timing: { ...QUICK, limitMs: 1500 } });
    await executor.submit([1, 2, 3, 4].map((index) => jobOf(study, index)));
    let jobs: unknown[] = [];
    while (jobs.length < 4) {
      jobs = [...(await executor.poll()).values()].flatMap((state) => ('job' in state ? [state.job] : []));
      await sleep(20);
    }
    expect(jobs).toEqual(['37_0', '37_1', '37_2', '37_3']);
    expect(await submitted()).toMatchObject([{ batch: 1, job: '37', cells: [1, 2, 3, 4] }]);
    for (const id of ids) await appears(inCell(study, id, 'sleeps'));
    expect(starts()).toEqual([1, 1, 1, 1]);
    expect(cluster.calls('sbatch')).toHaveLength(1);
  });

  test('that fails, and has taken the jobs', async () => {
    cluster.fault('sbatch', 'fail-after');
    await runsAllOnce();
    expect(cluster.calls('sbatch')).toHaveLength(1);
  });

  test('that fails, and has not: it is asked again once the queue has shown twice that it has not', async () => {
    cluster.fault('sbatch', 'fail-before', 'fail-before');
    await runsAllOnce();
    expect(cluster.calls('sbatch')).toHaveLength(3);
    expect(cluster.calls('squeue').length).toBeGreaterThanOrEqual(4);
    expect((await submitted()).map(({ batch }) => batch)).toEqual([1]);
  });

  test('of which the jobs appear late, after it was asked again: the second array runs nothing', async () => {
    cluster.fault('sbatch', 'late');
    await runsAllOnce();
    expect(cluster.calls('sbatch')).toHaveLength(2);
    while (cluster.tasks().some(({ state }) => state === 'PENDING' || state === 'RUNNING')) await sleep(20);
    expect(starts()).toEqual([1, 1, 1, 1]);
    expect(new Set(cluster.tasks().map(({ array }) => array)).size).toBe(2);
  });

  test('that refuses the jobs: its words are the error, and the cells are as before', async () => {
    cluster.fault('sbatch', 'refuse');
    const executor = await fakeSlurm(cluster, study);
    const { error } = await runAll(study, { executor });
    expect(error).toMatchObject({
      code: 'failed',
      message: expect.stringContaining('Slurm did not take the jobs: invalid partition specified: nope'),
    });
    expect(await submitted()).toMatchObject([{ refused: true }]);
    const attempts = readFileSync(inCell(study, 'b-seed-2', 'attempts.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(attempts.map((line) => JSON.parse(line))).toMatchObject([
      { event: 'begin', attempt: 1 },
      { event: 'end', attempt: 1, outcome: 'interrupted' },
    ]);
    await runsAllOnce();
  });

  test('that never says anything: the cells count as failed after five tries, and end at once should they come', async () => {
    cluster.fault('sbatch', ...Array(9).fill('fail-before'));
    const executor = await fakeSlurm(cluster, study);
    await executor.submit([jobOf(study, 1)]);
    const { end } = await untilEnded(executor, 1);
    expect(end.cause).toEqual({
      failure: 'failed',
      reason: 'Slurm did not take the job: it did not say after 5 tries',
    });
    expect(cluster.calls('sbatch')).toHaveLength(5);
    expect(existsSync(join(study.folder, 'slurm/stop/1-0'))).toBe(true);
  });
});

describe('squeue', () => {
  test('that gives no answer', async () => {
    cluster.fault('squeue', 'hang', 'hang');
    behave(study, { 'a-seed-1': ['exit 0'] });
    const executor = await fakeSlurm(cluster, study, { timing: { ...QUICK, limitMs: 1500 } });
    await executor.submit([jobOf(study, 2)]);
    expect((await untilEnded(executor, 2)).end).toMatchObject({ code: 0 });
  });

  test('that fails: nobody is thought gone, however long', async () => {
    behave(study, { '*': ['sleep'] });
    const executor = await fakeSlurm(cluster, study, { timing: { ...QUICK, lostMs: 1 } });
    await executor.submit([jobOf(study, 1)]);
    await appears(inCell(study, 'a-seed-1', 'sleeps'));
    cluster.fault('squeue', ...Array(99).fill('fail'));
    const before = cluster.calls('squeue').length;
    await until(executor, () => cluster.calls('squeue').length > before + 4);
    for (const state of await states(executor)) expect(['queued', 'running']).toContain(state);
  });

  test('that says a word that nobody knows: the job is there', async () => {
    behave(study, { '*': ['sleep'] });
    const executor = await fakeSlurm(cluster, study, { timing: { ...QUICK, lostMs: 1 } });
    await executor.submit([jobOf(study, 1)]);
    await appears(inCell(study, 'a-seed-1', 'sleeps'));
    cluster.say({ '37_0': 'POWERING_SIDEWAYS' });
    const before = cluster.calls('squeue').length;
    await until(executor, () => cluster.calls('squeue').length > before + 3);
    expect(await states(executor)).toEqual(['running']);
  });

  test('that leaves a job out once: it is neither lost nor started again', async () => {
    behave(study, { '*': ['sleep'] });
    const executor = await fakeSlurm(cluster, study);
    await executor.submit([jobOf(study, 1)]);
    await appears(inCell(study, 'a-seed-1', 'sleeps'));
    cluster.fault('squeue', 'empty');
    const before = cluster.calls('squeue').length;
    await until(executor, () => cluster.calls('squeue').length > before + 2);
    expect(await states(executor)).toEqual(['running']);
    expect(starts()).toEqual([1, 0, 0, 0]);
  });

  test('that does not know an ended job any more: what it wrote itself counts, and one that wrote nothing is unknown', async () => {
    cluster.configure({ minJobAgeMs: 1 });
    behave(study, { 'b-seed-1': ['sleep'] });
    const executor = await fakeSlurm(cluster, study);
    await executor.submit([jobOf(study, 1), jobOf(study, 2)]);
    expect((await untilEnded(executor, 1)).end).toMatchObject({ code: 0 });
    await appears(inCell(study, 'b-seed-1', 'sleeps'));
    cluster.happen('NODE_FAIL', '37_1');
    let state = 'running';
    while (state !== 'unknown') {
      state = (await executor.poll()).get(2)!.state;
      expect(['queued', 'running', 'unknown']).toContain(state);
      await sleep(20);
    }
    expect(cluster.calls('sacct')).toEqual([]);
  });

  test('is asked by name, about all jobs in one call, wherever they were moved', async () => {
    behave(study, { '*': ['sleep'] });
    const executor = await fakeSlurm(cluster, study);
    await executor.submit([jobOf(study, 1)]);
    await executor.submit([jobOf(study, 2), jobOf(study, 3)]);
    const before = cluster.calls('squeue').length;
    await until(executor, () => cluster.calls('squeue').length > before);
    const { args } = cluster.calls('squeue').at(-1)!;
    const names = cluster.tasks().map(({ name }) => name);
    expect(args[args.indexOf('--name') + 1]!.split(',').toSorted()).toEqual([...new Set(names)].toSorted());
    expect(args).not.toContain('-p');
    expect(args).not.toContain('--partition');
  });
});

describe('accounts', () => {
  test('that are said to be kept and are not: squeue is enough', async () => {
    const executor = await fakeSlurm(cluster, study);
    await executor.close();
    cluster.configure({ accounting: true, minJobAgeMs: 1 });
    const other = await fakeSlurm(cluster, study);
    cluster.configure({ accounting: false, minJobAgeMs: 1 });
    behave(study, { '*': ['sleep'] });
    await other.submit([jobOf(study, 1)]);
    await appears(inCell(study, 'a-seed-1', 'sleeps'));
    cluster.happen('NODE_FAIL', '37_0');
    await until(other, () => cluster.calls('sacct').length > 0);
    const before = cluster.calls('squeue').length;
    await until(other, () => cluster.calls('squeue').length > before + 2);
    expect(cluster.calls('sacct')).toHaveLength(1);
  });

  test('say how a job ended that squeue does not know any more, by the newest of its tries', async () => {
    cluster.configure({ accounting: true, minJobAgeMs: 1 });
    behave(study, { '*': ['sleep', 'sleep'] });
    const executor = await fakeSlurm(cluster, study);
    await executor.submit([jobOf(study, 1)]);
    await appears(inCell(study, 'a-seed-1', 'sleeps'));
    cluster.happen('preempt', '37_0');
    await until(executor, () => startsOf(study, 'a-seed-1').length === 2);
    cluster.happen('NODE_FAIL', '37_0');
    const { end } = await untilEnded(executor, 1);
    expect(end.cause).toEqual({ failure: 'lost', reason: 'Slurm: NODE_FAIL' });
    const { args } = cluster.calls('sacct').at(-1)!;
    expect(args).toEqual(expect.arrayContaining(['-D', '--starttime', '2026-11-27T00:00:00']));
  });
});

describe('a job', () => {
  test.each([
    ['TIMEOUT', { failure: 'killed', reason: 'Slurm: TIMEOUT' }],
    ['NODE_FAIL', { failure: 'lost', reason: 'Slurm: NODE_FAIL' }],
    ['FAILED', { failure: 'killed', reason: 'Slurm: FAILED, see slurm/batch-1-0.out' }],
    ['OUT_OF_MEMORY', { failure: 'killed', reason: 'Slurm: OUT_OF_MEMORY' }],
  ])('that ended by %s says so, once Slurm has said it twice', async (state, cause) => {
    behave(study, { '*': ['sleep'] });
    const executor = await fakeSlurm(cluster, study);
    await executor.submit([jobOf(study, 1)]);
    await appears(inCell(study, 'a-seed-1', 'sleeps'));
    const before = cluster.calls('squeue').length;
    cluster.happen(state, '37_0');
    const { end } = await untilEnded(executor, 1);
    expect(end).toMatchObject({ code: null, cause, outOfMemory: state === 'OUT_OF_MEMORY' });
    expect(cluster.calls('squeue').length).toBeGreaterThanOrEqual(before + 2);
  });

  test('that was preempted is started again by Slurm alone', async () => {
    behave(study, { '*': ['sleep', 'done'] });
    const executor = await fakeSlurm(cluster, study);
    await executor.submit([jobOf(study, 1)]);
    await appears(inCell(study, 'a-seed-1', 'sleeps'));
    cluster.happen('preempt', '37_0');
    const { end, before } = await untilEnded(executor, 1);
    expect(end).toMatchObject({ code: 0 });
    for (const { state } of before) expect(['queued', 'running']).toContain(state);
    expect(startsOf(study, 'a-seed-1')).toHaveLength(2);
    expect(readFileSync(inCell(study, 'a-seed-1', 'stopped'), 'utf8')).toBe('130\n');
    expect(cluster.calls('scontrol').filter(({ args }) => args[0] === 'requeue')).toEqual([]);
    expect(cluster.calls('sbatch')).toHaveLength(1);
  });

  test('that is warned of its time limit goes back into the queue by itself, with what it has', async () => {
    behave(study, { '*': ['sleep', 'done'] });
    const executor = await fakeSlurm(cluster, study);
    await executor.submit([jobOf(study, 1)]);
    const pid = Number(await appears(inCell(study, 'a-seed-1', 'sleeps')));
    process.kill(pid, 'SIGUSR2');
    expect((await untilEnded(executor, 1)).end).toMatchObject({ code: 0 });
    expect(startsOf(study, 'a-seed-1')).toHaveLength(2);
    expect(await endedTasks()).toMatchObject([{ state: 'COMPLETED', restarts: 1 }]);
    const [requeue] = cluster.calls('scontrol').filter(({ args }) => args[0] === 'requeue');
    expect(requeue!.args).toEqual(['requeue', '37_0']);
  });

  test('that was cancelled by somebody ends, and is not put back', async () => {
    behave(study, { '*': ['sleep'] });
    const executor = await fakeSlurm(cluster, study);
    await executor.submit([jobOf(study, 1)]);
    await appears(inCell(study, 'a-seed-1', 'sleeps'));
    cluster.happen('CANCELLED-by-hand', '37_0');
    expect((await untilEnded(executor, 1)).end).toMatchObject({ code: 130, asked: false });
    expect(await endedTasks()).toMatchObject([{ state: 'CANCELLED', restarts: 0 }]);
  });

  test('does not get the variables of a job in which it was submitted', async () => {
    const environment = {
      ...cluster.environment,
      ...{
        SLURM_NTASKS: '8',
        SLURM_CPUS_PER_TASK: '64',
        SBATCH_PARTITION: 'x',
        SRUN_DEBUG: '4',
        SLURM_CONF: '/x.conf',
      },
    };
    const executor = await fakeSlurm(cluster, study, { environment, options: { slurm: { cpus: 3 } } });
    await executor.submit([jobOf(study, 1)]);
    await untilEnded(executor, 1);
    for (const { program, slurm } of ['sbatch', 'squeue'].flatMap((name) => cluster.calls(name)))
      expect([program, slurm]).toEqual([program, ['SLURM_CONF']]);
    expect(cluster.steps()).toMatchObject([expect.stringMatching(/^--export=ALL --cpus-per-task=3 --input=none /)]);
  });
});

test('jobs that wait and jobs that run are stopped, each in its way, and others are left alone', async () => {
  behave(study, { '*': ['sleep'] });
  const executor = await fakeSlurm(cluster, study, { options: { parallel: 2, slurm: { time: 60 } } });
  await executor.submit([1, 2, 3, 4].map((index) => jobOf(study, index)));
  for (const id of ['a-seed-1', 'b-seed-1']) await appears(inCell(study, id, 'sleeps'));
  await executor.cancel([1, 3], 'save');
  expect((await untilEnded(executor, 1)).end).toMatchObject({ code: 130, asked: true });
  const left = await executor.poll();
  if (left.has(3)) expect((await untilEnded(executor, 3)).end).toMatchObject({ code: null, asked: true });
  expect(starts()[2]).toBe(0);
  await appears(inCell(study, 'b-seed-2', 'sleeps'));
  expect((await executor.poll()).get(2)).toEqual({ state: 'running', job: '37_1' });
});
