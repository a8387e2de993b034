import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { lockFolder } from '../../src/io/lock.js';
import { countStates, retryCells, stopStudy, studyStatus } from '../../src/study/control.js';
import type { StudyEvent } from '../../src/study/events.js';
import { runCells } from '../../src/study/run-cells.js';
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
    const { error, events } = await runAll(study, { parallel: 2 }, { signal: stop.signal }, async (event) => {
      if (event.type !== 'cell-begin' || event.index !== 2) return;
      await appears(inCell(study, 'a-seed-1', 'sleeps'));
      await appears(inCell(study, 'b-seed-1', 'sleeps'));
      stop.abort();
    });
    expect(error).toMatchObject({ code: 'interrupted' });
    // Both are asked at once; which ends first is the machine's affair.
    const ended = ends(events).map(({ id, outcome }) => [id, outcome]);
    expect(ended.toSorted()).toEqual([
      ['a-seed-1', 'interrupted'],
      ['b-seed-1', 'interrupted'],
    ]);
    expect(startsOf(study, 'a-seed-2')).toEqual([]);
  });
});

describe('cells that fail', () => {
  const spike = 'stage 1, step 3: the loss spiked to 9.12 (over the limit of 4.00 that the losses before it give)';
  const cases = [
    ['exit 2 x: unknown option', 'usage', 'x: unknown option'],
    ['exit 3 x: no such row', 'data', 'x: no such row'],
    ['exit 5 no library', 'backend', 'no library'],
    ['exit 1 out of memory in a training step', 'out of memory', 'out of memory in a training step'],
    [`exit 1 ${spike}`, 'loss spike', spike],
    ['exit 1 something else', 'failed', 'something else'],
    ['exit 0', 'failed', 'ended with status 0, and its run is not done'],
    ['other', 'data', 'it trained on 99 tokens; planned were 100'],
  ] as const;

  test('are not tried again where it is their fault, and the others are run', async () => {
    const study = await newStudy({ seeds: cases.map((_, i) => i) });
    behave(study, Object.fromEntries(cases.map(([behaviour], i) => [`a-seed-${i}`, [behaviour]])));
    const { events, states } = await runAll(study, { parallel: 2 });
    for (const [i, [, failure, reason]] of cases.entries()) {
      const id = `a-seed-${i}`;
      const ended = ends(events).filter((event) => event.id === id);
      expect(ended).toMatchObject([{ outcome: 'failed', failure, reason }]);
      expect(ended[0]).not.toHaveProperty('retryIn');
      expect(states[2 * i]).toEqual({ state: 'failed', failure, reason, attempts: 1 });
      expect(startsOf(study, id)).toHaveLength(1);
    }
    expect(countStates(states)).toMatchObject({ done: cases.length, failed: cases.length });
  });

  const passing = [
    ['kill SIGKILL', 'killed', 'ended by SIGKILL'],
    ['exit 137', 'killed', 'ended by SIGKILL'],
    ['exit 143', 'killed', 'interrupted by somebody else (status 143)'],
    ['exit 255', 'lost', 'attempt 3 of a-seed-3: exit'],
  ] as const;

  test('are tried again as often as the study says where it is not, and wait before', async () => {
    const failures = { retryAfter: [0.01, 0.02], stopAfterAlike: 9 };
    const study = await newStudy({ seeds: passing.map((_, i) => i), file: { failures } });
    for (const [i] of passing.entries()) expect(study.cells[2 * i]!.id).toBe(`a-seed-${i}`);
    const of = (arm: string, list: (behaviour: string) => string[]) =>
      passing.map(([behaviour], i) => [`${arm}-seed-${i}`, list(behaviour)]);
    behave(study, Object.fromEntries([...of('a', (each) => [each]), ...of('b', (each) => [each, 'done'])]));
    const { events, states } = await runAll(study, { parallel: 2 });
    for (const [i, [, failure, reason]] of passing.entries()) {
      const outcomes = (id: string) =>
        ends(events)
          .filter((event) => event.id === id)
          .map(({ outcome, retryIn }) => [outcome, retryIn]);
      expect(outcomes(`a-seed-${i}`)).toEqual([
        ['failed', 0.01],
        ['failed', 0.02],
        ['failed', undefined],
      ]);
      expect(outcomes(`b-seed-${i}`)).toEqual([
        ['failed', 0.01],
        ['done', undefined],
      ]);
      expect(states[2 * i]).toEqual({ state: 'failed', failure, reason, attempts: 3 });
    }
    expect(countStates(states)).toMatchObject({ done: passing.length, failed: passing.length });
  });
});

describe('cells that fail in the same way one after another', () => {
  const fails = 'exit 5 no library in /opt/cell';

  test('stop the study within as many as the study says', async () => {
    const study = await newStudy({ seeds: [1, 2, 3] });
    behave(study, { '*': [fails] });
    const { events, states } = await runAll(study);
    expect(ends(events)).toHaveLength(3);
    expect(events.at(-1)).toEqual({
      type: 'warning',
      message: '3 cells in a row failed in the same way, so no more are started: no library in /opt/cell',
    });
    expect(countStates(states)).toMatchObject({ failed: 3, waiting: 3 });
  });

  test('do not where one is done, or fails in another way, in between', async () => {
    const study = await newStudy({ seeds: [1, 2, 3], file: { failures: { stopAfterAlike: 2 } } });
    behave(study, { '*': [fails], 'b-seed-1': ['done'], 'b-seed-2': ['exit 3 no such row'] });
    const { states } = await runAll(study);
    expect(countStates(states)).toMatchObject({ done: 1, failed: 5, waiting: 0 });
  });

  test('count as alike where only names and numbers differ', async () => {
    const study = await newStudy();
    const says = (id: string) => [`exit 5 ${id}: step ${id.length}`];
    behave(study, { 'a-seed-1': says('a-seed-1'), 'b-seed-1': says('b-seed-1'), 'a-seed-2': says('a-seed-2') });
    const { states } = await runAll(study);
    expect(countStates(states)).toMatchObject({ failed: 3, waiting: 1 });
  });

  test('an arm that always fails does not end the others', async () => {
    const study = await newStudy({ seeds: [1, 2, 3, 4] });
    behave(study, Object.fromEntries([1, 2, 3, 4].map((seed) => [`b-seed-${seed}`, [fails]])));
    const { states } = await runAll(study);
    expect(states.map(({ state }) => state)).toEqual(Array.from({ length: 4 }, () => ['done', 'failed']).flat());
  });
});

describe('a full disk', () => {
  test('holds all cells back until the one that met it is tried again', async () => {
    const study = await newStudy({ file: { failures: { retryAfter: [0.4] } } });
    behave(study, { 'a-seed-1': ['exit 1 cannot write x: no space left on the device', 'done'] });
    const { states } = await runAll(study);
    expect(countStates(states)).toMatchObject({ done: 4 });
    const [first, again] = startsOf(study, 'a-seed-1');
    expect(again!.time - first!.time).toBeGreaterThanOrEqual(400);
    expect(startsOf(study, 'b-seed-1')[0]!.time).toBeGreaterThan(again!.time);
  });
});

describe('interrupted', () => {
  test.each([
    ['by its signal, cells save', async (_: Study, stop: AbortController) => stop.abort(), '130\n'],
    ['by a request, cells save', async ({ folder }: Study) => void (await stopStudy(folder)), '130\n'],
    ['by a request to end at once, they do not', ({ folder }: Study) => stopStudy(folder, { now: true }), undefined],
  ] as const)('%s, and the next one continues', async (_, interrupt, stopped) => {
    const study = await newStudy();
    behave(study, { 'b-seed-1': ['sleep', 'done'] });
    const stop = new AbortController();
    const lock = await lockFolder(study.folder);
    const first = await runAll(study, {}, { signal: stop.signal }, async (event) => {
      if (event.type !== 'cell-begin' || event.id !== 'b-seed-1') return;
      await appears(inCell(study, 'b-seed-1', 'sleeps'));
      await interrupt(study, stop);
    });
    await lock.release();
    expect(first.error).toMatchObject({
      code: 'interrupted',
      message: 'stopped with 1 of 4 cells done; all is saved; run the same task again to continue',
    });
    expect(ends(first.events).at(-1)).toMatchObject({ id: 'b-seed-1', outcome: 'interrupted' });
    const trace = inCell(study, 'b-seed-1', 'stopped');
    expect(existsSync(trace) ? readFileSync(trace, 'utf8') : undefined).toBe(stopped);
    expect(existsSync(studyPaths(study.folder).stop)).toBe(false);
    expect((await studyStatus(study.folder)).counts).toMatchObject({ done: 1, interrupted: 1, waiting: 2 });

    const next = await runAll(study);
    expect(countStates(next.states)).toMatchObject({ done: 4 });
    expect(attempts(study, 'b-seed-1')).toMatchObject([
      { event: 'begin', attempt: 1 },
      { event: 'end', attempt: 1, outcome: 'interrupted' },
      { event: 'begin', attempt: 2 },
      { event: 'end', attempt: 2, outcome: 'done' },
    ]);
  });

  test('a request to stop that is older than the process that runs the study does not count', async () => {
    const study = await newStudy();
    const lock = await lockFolder(study.folder);
    expect(await stopStudy(study.folder)).toMatchObject({ pid: process.pid });
    await lock.release();
    expect(await stopStudy(study.folder)).toBeUndefined();
    expect(countStates((await runAll(study)).states)).toMatchObject({ done: 4 });
  });

  test('whoever leaves the loop stops the cells', async () => {
    const study = await newStudy();
    behave(study, { '*': ['sleep'] });
    const executor = fakeLocal();
    for await (const event of runCells(study, { executor, pollMs: 10 }))
      if (event.type === 'cell-begin' && (await appears(inCell(study, event.id, 'sleeps')))) break;
    expect(readFileSync(inCell(study, 'a-seed-1', 'stopped'), 'utf8')).toBe('130\n');
    await executor.close();
  });
});

describe('a cell that another process runs', () => {
  test('is waited for, and not started before that one has ended', async () => {
    const study = await newStudy();
    const lock = await lockFolder(studyPaths(study.folder).run('a-seed-1'));
    let released = 0;
    const { events, states } = await runAll(study, {}, {}, async (event) => {
      if (event.type !== 'cell-end' || event.id !== 'b-seed-2') return;
      expect(startsOf(study, 'a-seed-1')).toEqual([]);
      released = Date.now();
      await lock.release();
    });
    expect(events[0]).toMatchObject({ type: 'cell-elsewhere', id: 'a-seed-1', pid: process.pid });
    expect(ends(events).map(({ id }) => id)).toEqual(['b-seed-1', 'a-seed-2', 'b-seed-2', 'a-seed-1']);
    expect(startsOf(study, 'a-seed-1')[0]!.time).toBeGreaterThanOrEqual(released);
    expect(countStates(states)).toMatchObject({ done: 4 });
  });
});

describe('a failed cell', () => {
  test('is tried again by hand while the study runs', async () => {
    const study = await newStudy();
    behave(study, { 'a-seed-1': ['exit 2 wrong', 'done'], 'b-seed-2': ['sleep', 'done'] });
    const executor = fakeLocal(2);
    const { events, states } = await runAll(study, { executor }, {}, async (event) => {
      if (event.type === 'cell-begin' && event.id === 'b-seed-2' && event.attempt === 1)
        expect(await retryCells(study.folder)).toEqual(['a-seed-1']);
      if (event.type === 'cell-end' && event.id === 'a-seed-1' && event.outcome === 'done')
        process.kill(Number(await appears(inCell(study, 'b-seed-2', 'sleeps'))), 'SIGTERM');
    });
    await executor.close();
    expect(countStates(states)).toMatchObject({ done: 4 });
    const [, stopped] = ends(events).filter(({ outcome }) => outcome === 'failed');
    expect(stopped).toMatchObject({
      id: 'b-seed-2',
      failure: 'killed',
      reason: 'interrupted by somebody else (status 130)',
      retryIn: 0,
    });
  });
});
