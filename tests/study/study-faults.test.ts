import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockFolder } from '../../src/io/lock.js';
import { studyStatus } from '../../src/study/control.js';
import type { StudyEvent } from '../../src/study/events.js';
import { studyPaths } from '../../src/study/study-record.js';
import { start } from '../cli/child.js';
import { phasetune } from '../cli/in-process.js';
import { temporaryFolder } from '../helpers/folder.js';
import { inNamespace, withDisks } from '../helpers/namespace.js';
import { ROOT } from '../helpers/program.js';
import { writeFakeStudy } from '../helpers/study.js';
import { appears, behave, gone, inCell, runAll, startsOf } from './fake.js';

test('a cell whose coordinator is killed saves and stops, and the next one continues', async () => {
  const study = await writeFakeStudy(temporaryFolder('study'));
  behave(study, { 'b-seed-1': ['sleep', 'done'] });
  const { child, ended } = start('tests/study/coordinator.ts', [study.folder]);
  const cell = Number(await appears(inCell(study, 'b-seed-1', 'sleeps')));
  expect((await studyStatus(study.folder)).counts).toMatchObject({ done: 1, queued: 1, waiting: 2 });
  child.kill('SIGKILL');
  await ended;
  await gone(cell);
  expect(readFileSync(inCell(study, 'b-seed-1', 'stopped'), 'utf8')).toBe('129\n');
  expect((await studyStatus(study.folder)).counts).toMatchObject({ done: 1, interrupted: 1, waiting: 2 });
  const { states } = await runAll(study);
  expect(states.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done']);
  expect(startsOf(study, 'a-seed-1')).toHaveLength(1);
  expect(startsOf(study, 'b-seed-1')).toHaveLength(2);
});

test('a second interrupt ends the cells at once', async () => {
  const study = await writeFakeStudy(temporaryFolder('study'));
  behave(study, { '*': ['stubborn'] });
  const entry = join(ROOT, 'tests/study/interruptible.ts');
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), entry, 'study', study.folder], {
    stdio: 'ignore',
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const cell = Number(await appears(inCell(study, 'a-seed-1', 'sleeps')));
  child.kill('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(child.exitCode).toBeNull();
  child.kill('SIGINT');
  expect(await exited).toBe(130);
  await gone(cell);
});

test('two processes cannot run one study, and its status is printed meanwhile', async () => {
  const study = await writeFakeStudy(temporaryFolder('study'));
  const lock = await lockFolder(study.folder, 'ablate');
  const second = await phasetune('ablate', join(study.folder, 'study.yaml'), '--out', study.folder);
  expect(second.code).toBe(1);
  const held = `^error: ${study.folder} is in use by process ${process.pid} on this machine \\(ablate\\) for .*; wait for`;
  expect(second.err.trimEnd()).toMatch(new RegExp(held));
  expect(second.err.trimEnd()).not.toContain('\n');
  const status = await phasetune('ablate', 'status', study.folder, '--json');
  expect(status.code).toBe(0);
  await lock.release();
});

withDisks('a full disk holds the study up, and nothing is lost once there is room', async () => {
  const home = temporaryFolder('disk');
  const study = await writeFakeStudy(join(home, 'study'), { file: { failures: { retries: 5, retryAfter: [0.5] } } });
  behave(study, { 'b-seed-1': ['fill', 'done'] });
  const script = `
    home=$1; shift
    mkdir "$home/small"; mount -t tmpfs -o size=128k none "$home/small"
    cp -a "$home/study/." "$home/small/"
    : >"$home/events" # the background job opens it later than the first look
    "$@" "$home/small" >>"$home/events" 2>"$home/err" & pid=$!
    until grep -q '"failure":"disk full"' "$home/events"; do kill -0 $pid; sleep 0.05; done
    rm "$home/small/filler"
    wait $pid
    cp -a "$home/small" "$home/after"`;
  const program = [process.execPath, '--import', import.meta.resolve('tsx'), join(ROOT, 'tests/study/coordinator.ts')];
  const ended = await inNamespace(script, 'sh', home, ...program);
  expect(ended).toEqual({ code: 0, out: '', err: '' });
  const events: StudyEvent[] = readFileSync(join(home, 'events'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const outcomes = events.flatMap((event) => (event.type === 'cell-end' ? [[event.id, event.outcome]] : []));
  expect(outcomes).toEqual([
    ['a-seed-1', 'done'],
    ['b-seed-1', 'failed'],
    ['b-seed-1', 'done'],
    ['a-seed-2', 'done'],
    ['b-seed-2', 'done'],
  ]);
  const after = studyPaths(join(home, 'after'));
  const lines = readFileSync(after.attempts('b-seed-1'), 'utf8').trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).event)).toEqual(['begin', 'end', 'begin', 'end']);
  expect((await studyStatus(join(home, 'after'))).counts).toMatchObject({ done: 4 });
  expect(existsSync(join(home, 'after/run.lock'))).toBe(false);
});
