import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { memoryKills } from '../../../src/io/memory-kills.js';
import { watchKills } from '../../../src/study/executors/kill-watch.js';
import { temporaryFolder } from '../../helpers/folder.js';

test('the system has ended a process for lack of memory lately where its count rose within 10 s', () => {
  let [kills, time] = [5, 0];
  const watch = watchKills(
    () => kills,
    () => time,
  );
  const at = (seconds: number) => {
    time = seconds * 1000;
    watch.look();
  };
  for (const seconds of [1, 2, 30]) at(seconds);
  expect(watch.killedLately()).toBe(false);
  kills = 6;
  at(31);
  // Its end is only seen once its memory is free.
  at(36);
  expect(watch.killedLately()).toBe(true);
  at(45);
  at(60);
  expect(watch.killedLately()).toBe(false);
});

test('where the system has no such count, it never did', () => {
  expect(watchKills(() => undefined).killedLately()).toBe(false);
});

test('the count is that of /proc/vmstat', () => {
  const root = temporaryFolder('root');
  expect(memoryKills(root)).toBeUndefined();
  mkdirSync(join(root, 'proc'));
  writeFileSync(join(root, 'proc/vmstat'), 'nr_free_pages 12\noom_kill 7\nother 1\n');
  expect(memoryKills(root)).toBe(7);
  writeFileSync(join(root, 'proc/vmstat'), 'nr_free_pages 12\n');
  expect(memoryKills(root)).toBeUndefined();
});
