import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { countStates, studyStatus } from '../../src/study/control.js';
import type { StudyEvent } from '../../src/study/events.js';
import { attemptSchema } from '../../src/study/state.js';
import { type Study, studyPaths } from '../../src/study/study-record.js';
import { temporaryFolder } from '../helpers/folder.js';
import { type StudyParts, writeFakeStudy } from '../helpers/study.js';
import { appears, behave, fakeLocal, inCell, runAll, startsOf } from './fake.js';

const newStudy = (parts?: StudyParts): Promise<Study> => writeFakeStudy(temporaryFolder('study'), parts);

const ends = (events: readonly StudyEvent[]) => events.filter((event) => event.type === 'cell-end');

const attempts = (study: Study, id: string) =>
  readFileSync(studyPaths(study.folder).attempts(id), 'utf8')
    .trim()
    .split('\n')
    .map((line) => attemptSchema.parse(JSON.parse(line)));

describe('cells', () => {
  test('are run in their order, and their attempts recorded', async () => {
    const study = await newStudy();
    const { events, states } = await runAll(study);
    expect(events.map(({ type, ...event }) => [type, 'id' in event && event.id])).toEqual(
      ['a-seed-1', 'b-seed-1', 'a-seed-2', 'b-seed-2'].flatMap((id) => [
        ['cell-begin', id],
        ['cell-end', id],
      ]),
    );
    expect(ends(events).map(({ settled, of }) => [settled, of])).toEqual([1, 2, 3, 4].map((n) => [n, 4]));
    expect(ends(events).at(-1)).toMatchObject({ outcome: 'done', secondsLeft: 0 });
    expect(countStates(states)).toMatchObject({ done: 4, waiting: 0 });
    expect(attempts(study, 'b-seed-2')).toMatchObject([
      { event: 'begin', attempt: 1, executor: 'local' },
      { event: 'end', attempt: 1, code: 0, signal: null, outcome: 'done' },
    ]);
    expect(readFileSync(studyPaths(study.folder).log('b-seed-2', 1), 'utf8')).toBe('attempt 1 of b-seed-2: done\n');
  });

  test('that are done are not run again, and only those named are run', async () => {
    const study = await newStudy();
    await runAll(study, { indices: [1, 3] });
    expect((await studyStatus(study.folder)).cells.map(({ state }) => state.state)).toEqual([
      'done',
      'waiting',
      'done',
      'waiting',
    ]);
    const { events } = await runAll(study);
    expect(ends(events).map(({ id }) => id)).toEqual(['b-seed-1', 'b-seed-2']);
    expect(startsOf(study, 'a-seed-1')).toHaveLength(1);
  });

  test('run at once as many as the executor takes', async () => {
    const study = await newStudy({ seeds: [1, 2, 3] });
    behave(study, { 'a-seed-1': ['sleep'], 'b-seed-1': ['sleep'] });
    const stop = new AbortController();
    const { error, events } = await runAll(
      study,
      { executor: fakeLocal(2) },
      { signal: stop.signal },
      async (event) => {
        if (event.type !== 'cell-begin' || event.index !== 2) return;
        await appears(inCell(study, 'a-seed-1', 'sleeps'));
        await appears(inCell(study, 'b-seed-1', 'sleeps'));
        stop.abort();
      },
    );
    expect(error).toMatchObject({ code: 'interrupted' });
    expect(ends(events).map(({ id, outcome }) => [id, outcome])).toEqual([
      ['a-seed-1', 'interrupted'],
      ['b-seed-1', 'interrupted'],
    ]);
    expect(startsOf(study, 'a-seed-2')).toEqual([]);
  });
});

describe('a cell that fails', () => {
  test.each([
    ['usage', 'exit 2 x: unknown option'],
    ['data', 'exit 3 x: no such row'],
    ['backend', 'exit 5 no library'],
    ['out of memory', 'exit 1 out of memory in a training step'],
    [
      'loss spike',
      'exit 1 stage 1, step 3: the loss spiked to 9.12 (over the limit of 4.00 that the losses before it give)',
    ],
    ['failed', 'exit 1 something else'],
    ['failed', 'exit 0'],
    ['data', 'other'],
  ] as const)('of %s (%s) is not tried again, and the others are run', async (failure, behaviour) => {
    const study = await newStudy();
    behave(study, { 'a-seed-1': [behaviour] });
    const { events, states } = await runAll(study);
    expect(ends(events)[0]).toMatchObject({ id: 'a-seed-1', outcome: 'failed', failure });
    expect(ends(events)[0]).not.toHaveProperty('retryIn');
    expect(states[0]).toMatchObject({ state: 'failed', failure, attempts: 1 });
    const text = behaviour.split(' ').slice(2).join(' ');
    if (text) expect(states[0]).toMatchObject({ reason: text });
    expect(countStates(states)).toMatchObject({ done: 3, failed: 1 });
    expect(startsOf(study, 'a-seed-1')).toHaveLength(1);
  });

  test.each([
    ['killed', 'kill SIGKILL', 'ended by SIGKILL'],
    ['killed', 'exit 137', 'ended by SIGKILL'],
    ['killed', 'exit 143', 'ended by SIGTERM'],
    ['lost', 'exit 255', 'attempt 3 of a-seed-1: exit'],
    ['disk full', 'exit 1 cannot write x: no space left on the device; free some space', undefined],
  ] as const)('since it was %s (%s) is tried again twice', async (failure, behaviour, reason) => {
    const study = await newStudy({ file: { failures: { retryAfter: [0.01, 0.02] } } });
    behave(study, { 'a-seed-1': [behaviour], 'b-seed-1': [behaviour, 'done'] });
    const { events, states } = await runAll(study);
    const of = (id: string) => ends(events).filter((event) => event.id === id);
    expect(of('a-seed-1').map(({ outcome, retryIn }) => [outcome, retryIn])).toEqual([
      ['failed', 0.01],
      ['failed', 0.02],
      ['failed', undefined],
    ]);
    expect(of('b-seed-1').map(({ outcome }) => outcome)).toEqual(['failed', 'done']);
    expect(states[0]).toMatchObject({ state: 'failed', failure, attempts: 3, ...(reason && { reason }) });
    expect(countStates(states)).toMatchObject({ done: 3, failed: 1 });
  });
});
