import { describe, expect, test } from 'vitest';
import { arraysOf, taskOf } from '../../../../src/study/executors/slurm/ask.js';
import { ranges } from '../../../../src/study/executors/slurm/cancel.js';
import { type Followed, follow } from '../../../../src/study/executors/slurm/follow.js';
import { settingsOf } from '../../../../src/study/executors/slurm/settings.js';
import { meaningOf, readAccounting, readQueue } from '../../../../src/study/executors/slurm/states.js';

describe('a line of squeue', () => {
  test('is one task, or all that waited and were cancelled', () => {
    const text = ['37_0|RUNNING|pt-1|None', '37_12|PENDING|pt-1|Priority', '24|CANCELLED|pt-2|Resources'].join('\n');
    expect(readQueue(`CLUSTER: red\n${text}\n`)).toEqual([
      { array: '37', task: 0, name: 'pt-1', state: 'RUNNING', reason: 'None' },
      { array: '37', task: 12, name: 'pt-1', state: 'PENDING', reason: 'Priority' },
      { array: '24', task: undefined, name: 'pt-2', state: 'CANCELLED', reason: 'Resources' },
    ]);
  });

  test('that cannot be read is left out', () => {
    expect(readQueue('37_[0-3]|PENDING|pt-1|None\nslurm_load_jobs error\n\n')).toEqual([]);
  });
});

test('accounts have a line for every try of a task, of which the newest counts, whatever their order', () => {
  const tries = ['37_0|PREEMPTED|pt-1|2026-11-29T10:00:00', '37_0|COMPLETED|pt-1|2026-11-29T11:00:00'];
  for (const lines of [tries, tries.toReversed()])
    expect(readAccounting(lines.join('\n'))).toMatchObject([{ array: '37', task: 0, state: 'COMPLETED' }]);
  expect(readAccounting('37_1|CANCELLED by 1000|pt-1|2026-11-29T10:00:00')).toMatchObject([{ state: 'CANCELLED' }]);
});

test.each([
  ['PENDING', 'queued'],
  ['REQUEUE_HOLD', 'queued'],
  ['RUNNING', 'running'],
  ['COMPLETING', 'running'],
  ['SUSPENDED', 'running'],
  ['COMPLETED', 'completed'],
  ['A_WORD_OF_TOMORROW', 'running'],
  ['NODE_FAIL', { failure: 'lost' }],
  ['BOOT_FAIL', { failure: 'lost' }],
  ['TIMEOUT', { failure: 'killed' }],
  ['PREEMPTED', { failure: 'killed' }],
  ['CANCELLED', { failure: 'killed' }],
  ['REVOKED', { failure: 'killed' }],
  ['DEADLINE', { failure: 'killed' }],
  ['FAILED', { failure: 'killed' }],
  ['OUT_OF_MEMORY', { failure: 'killed', outOfMemory: true }],
])('%s is %j', (state, meaning) => expect(meaningOf(state)).toEqual(meaning));

describe('what an answer makes of a task', () => {
  const patience = { endMs: 5, lostMs: 60 };
  const running: Followed = { state: { state: 'running', job: '37_0' } };
  /** Answers one after another, each with its time. */
  const made = (answers: readonly (readonly [now: number, state: string | undefined])[], asked = false) =>
    answers.reduce(
      (before, [now, state]) =>
        follow(before, state === undefined ? undefined : { state }, { now, job: '37_0', asked, patience }),
      running,
    ).state;

  test('is where Slurm says it is', () => {
    expect(made([[0, 'PENDING']])).toEqual({ state: 'queued', job: '37_0' });
    expect(made([[0, 'RUNNING']])).toEqual({ state: 'running', job: '37_0' });
  });

  test('is an end once it was said twice, and none where the task was requeued', () => {
    expect(made([[0, 'NODE_FAIL']])).toMatchObject({ state: 'running' });
    expect(
      made([
        [0, 'NODE_FAIL'],
        [4, 'NODE_FAIL'],
      ]),
    ).toMatchObject({ state: 'running' });
    expect(
      made([
        [0, 'NODE_FAIL'],
        [5, 'NODE_FAIL'],
      ]),
    ).toEqual({ state: 'ended', word: 'NODE_FAIL' });
    expect(
      made([
        [0, 'NODE_FAIL'],
        [3, 'PENDING'],
        [6, 'NODE_FAIL'],
      ]),
    ).toMatchObject({ state: 'running' });
  });

  test('is unknown, and never success, where it is completed without having said so, or is gone, for long', () => {
    for (const state of ['COMPLETED', undefined]) {
      expect(
        made([
          [0, state],
          [59, state],
        ]),
      ).toMatchObject({ state: 'running' });
      expect(
        made([
          [0, state],
          [60, state],
        ]),
      ).toMatchObject({ state: 'unknown' });
      expect(
        made([
          [0, state],
          [40, 'RUNNING'],
          [80, state],
        ]),
      ).toMatchObject({ state: 'running' });
    }
  });

  test('is believed at once where it was asked to stop', () => {
    expect(made([[0, 'CANCELLED']], true)).toEqual({ state: 'ended', word: 'CANCELLED' });
    expect(made([[0, undefined]], true)).toEqual({ state: 'ended', word: undefined });
    expect(made([[0, 'RUNNING']], true)).toMatchObject({ state: 'running' });
  });
});

describe('of a batch that was submitted twice', () => {
  const tasks = readQueue(
    ['41_0|COMPLETED|pt-1|None', '37_0|RUNNING|pt-1|None', '37_1|PENDING|pt-1|None', '41_1|RUNNING|pt-1|None'].join(
      '\n',
    ),
  );
  const batch = { name: 'pt-1' };

  test('the array that began first counts', () => {
    expect(arraysOf(tasks, batch)).toEqual(['37', '41']);
    expect(taskOf(tasks, batch, 0, '37')).toMatchObject({ array: '37', state: 'RUNNING' });
    expect(taskOf(tasks, batch, 0, '41')).toMatchObject({ array: '41', state: 'COMPLETED' });
  });

  test('any that is still there counts before one has begun', () => {
    expect(taskOf(tasks, batch, 0, undefined)).toMatchObject({ array: '37', state: 'RUNNING' });
  });
});

test('tasks that were cancelled while they waited have one line for all', () => {
  const tasks = readQueue('37_0|COMPLETED|pt-1|None\n37|CANCELLED|pt-1|None');
  expect(taskOf(tasks, { name: 'pt-1' }, 0, '37')).toMatchObject({ state: 'COMPLETED' });
  expect(taskOf(tasks, { name: 'pt-1' }, 3, '37')).toMatchObject({ state: 'CANCELLED' });
  expect(taskOf(tasks, { name: 'pt-2' }, 3, undefined)).toBeUndefined();
});

test('numbers of tasks are listed as Slurm lists them', () => {
  expect(ranges([4])).toBe('4');
  expect(ranges([5, 0, 1, 2, 9, 8])).toBe('0-2,5,8-9');
});

describe("a cluster's settings", () => {
  test('are read from what scontrol shows', () => {
    const text = [
      'AccountingStorageType   = accounting_storage/slurmdbd',
      'MaxArraySize            = 200',
      'MinJobAge               = 20 sec',
    ].join('\n');
    expect(settingsOf(text)).toEqual({ maxArraySize: 200, minJobAge: 20, accounting: true });
    expect(settingsOf(text.replace('slurmdbd', 'none')).accounting).toBe(false);
  });

  test("are Slurm's own where they are not said", () => {
    expect(settingsOf('')).toEqual({ maxArraySize: 1001, minJobAge: 300, accounting: false });
  });
});
