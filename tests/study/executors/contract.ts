import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Executor, JobEnd, JobState } from '../../../src/study/executors/executor.js';
import { outcomeOf } from '../../../src/study/failures.js';
import { type Study, studyPaths } from '../../../src/study/study-record.js';
import { temporaryFolder } from '../../helpers/folder.js';
import { writeFakeStudy } from '../../helpers/study.js';
import { appears, behave, gone, inCell, lives, startsOf } from '../fake.js';

/** The job of a cell, by its number. */
export const jobOf = (study: Study, index: number, attempt = 1) => {
  const cell = study.cells[index - 1]!;
  return { folder: study.folder, cell, attempt, log: studyPaths(study.folder).log(cell.id, attempt) };
};

/** Asks until a job has ended; how often each state was seen before. */
export async function untilEnded(executor: Executor, index: number): Promise<{ end: JobEnd; before: JobState[] }> {
  const before: JobState[] = [];
  for (;;) {
    const state = (await executor.poll()).get(index) ?? { state: 'unknown' };
    if (state.state === 'ended') return { end: state, before };
    before.push(state);
    await sleep(10);
  }
}

/** A folder with all that a shell could take amiss in its name. */
export async function oddFolder(): Promise<string> {
  const folder = join(temporaryFolder('executor'), `it's a "study" $HOME; #1`);
  await mkdir(folder);
  return folder;
}

/** What the end of a job comes to where nothing is known of it otherwise. */
const outcome = (end: JobEnd, asked = false) => outcomeOf({ end, asked, done: false, diskFull: false });

/** What executors differ in. */
interface Differences {
  /** Most jobs that it takes [2]. */
  readonly slots?: number;
  /** Jobs go on when it is closed [false]. */
  readonly outlives?: boolean;
}

/**
 * What every executor does, with `open`, which opens one of a study, for two jobs at once, that runs
 * `fake-cell.mjs` with the study's folder and the cell's index.
 */
export function executorContract(
  kind: string,
  open: (study: Study) => Executor | Promise<Executor>,
  { slots = 2, outlives = false }: Differences = {},
): void {
  describe(`the executor ${kind}`, () => {
    let executor: Executor;
    let study: Study;
    beforeEach(async () => {
      study = await writeFakeStudy(await oddFolder());
      executor = await open(study);
    });
    afterEach(() => executor.close());

    test('says what it is, and how many jobs it takes', () => {
      expect(executor).toMatchObject({ kind, slots });
      expect(executor.adopt !== undefined).toBe(outlives);
    });

    test('runs a job once and reports its end once, with what it printed in its log', async () => {
      await executor.submit([jobOf(study, 1)]);
      const { end, before } = await untilEnded(executor, 1);
      expect(end).toMatchObject({ code: 0, signal: null, lastLine: 'attempt 1 of a-seed-1: done' });
      for (const { state } of before) expect(['queued', 'running']).toContain(state);
      expect((await executor.poll()).size).toBe(0);
      expect(startsOf(study, 'a-seed-1')).toHaveLength(1);
      expect(readFileSync(jobOf(study, 1).log, 'utf8')).toBe('attempt 1 of a-seed-1: done\n');
    });

    test('reports a status with the last error', async () => {
      behave(study, { 'a-seed-1': ['exit 3 rows.jsonl:3: no row'], 'b-seed-1': ['exit 1'] });
      await executor.submit([jobOf(study, 1), jobOf(study, 2)]);
      expect((await untilEnded(executor, 1)).end).toMatchObject({ code: 3, lastLine: 'error: rows.jsonl:3: no row' });
    });

    test('reports a job that a signal ended as killed', async () => {
      behave(study, { '*': ['kill SIGKILL'] });
      await executor.submit([jobOf(study, 1)]);
      const { end } = await untilEnded(executor, 1);
      expect(outcome(end)).toEqual({ outcome: 'failed', failure: 'killed', reason: 'ended by SIGKILL' });
    });

    test('runs several at once, and each again when it has ended', async () => {
      behave(study, { '*': ['sleep', 'done'] });
      await executor.submit([jobOf(study, 1), jobOf(study, 2)]);
      for (const id of ['a-seed-1', 'b-seed-1']) await appears(inCell(study, id, 'sleeps'));
      const states = await executor.poll();
      expect([...states.keys()].sort()).toEqual([1, 2]);
      await executor.cancel([1, 2], 'save');
      await untilEnded(executor, 1);
      await executor.submit([jobOf(study, 1, 2)]);
      expect((await untilEnded(executor, 1)).end).toMatchObject({ code: 0 });
      expect(startsOf(study, 'a-seed-1')).toHaveLength(2);
    });

    test('does not start a job that runs', async () => {
      behave(study, { '*': ['sleep'] });
      await executor.submit([jobOf(study, 1)]);
      await appears(inCell(study, 'a-seed-1', 'sleeps'));
      await expect(executor.submit([jobOf(study, 1, 2)])).rejects.toThrow('submitted already');
      expect(startsOf(study, 'a-seed-1')).toHaveLength(1);
    });

    test('asks jobs to save and stop, and leaves the others alone', async () => {
      behave(study, { '*': ['sleep'] });
      await executor.submit([jobOf(study, 1), jobOf(study, 2)]);
      for (const id of ['a-seed-1', 'b-seed-1']) await appears(inCell(study, id, 'sleeps'));
      await executor.cancel([1, 4], 'save');
      const { end } = await untilEnded(executor, 1);
      expect(outcome(end, true)).toEqual({ outcome: 'interrupted' });
      expect(readFileSync(inCell(study, 'a-seed-1', 'stopped'), 'utf8')).toBe('130\n');
      expect(lives(Number(readFileSync(inCell(study, 'b-seed-1', 'sleeps'), 'utf8')))).toBe(true);
    });

    test('ends at once a job that does not stop', async () => {
      behave(study, { '*': ['stubborn'] });
      await executor.submit([jobOf(study, 1)]);
      const pid = Number(await appears(inCell(study, 'a-seed-1', 'sleeps')));
      await executor.cancel([1], 'save');
      await sleep(50);
      expect(lives(pid)).toBe(true);
      await executor.cancel([1], 'now');
      const { end } = await untilEnded(executor, 1);
      expect(outcome(end, true)).toEqual({ outcome: 'interrupted' });
      await gone(pid);
    });

    test(outlives ? 'leaves what runs when it is closed' : 'ends what is left when it is closed', async () => {
      behave(study, { '*': ['stubborn'] });
      await executor.submit([jobOf(study, 1), jobOf(study, 2)]);
      const pids = [];
      for (const id of ['a-seed-1', 'b-seed-1']) pids.push(Number(await appears(inCell(study, id, 'sleeps'))));
      await executor.close();
      if (outlives) await sleep(50);
      for (const pid of pids)
        if (outlives) expect(lives(pid)).toBe(true);
        else await gone(pid);
    });

    test('starts jobs where an interrupt on the terminal does not reach them', async () => {
      behave(study, { '*': ['sleep'] });
      await executor.submit([jobOf(study, 1)]);
      const pid = await appears(inCell(study, 'a-seed-1', 'sleeps'));
      const group = (of: string) => Number(/\) \S+ \d+ (\d+)/.exec(readFileSync(`/proc/${of}/stat`, 'utf8'))![1]);
      expect(group(pid)).not.toBe(group('self'));
    });
  });
}
