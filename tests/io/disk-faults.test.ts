import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ROOT, start } from '../cli/child.js';
import { inNamespace, withDisks } from '../helpers/namespace.js';

const CHILD = 'tests/io/disk-faults-child.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'disk-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What the child tells of a fault on a disk of 2 MiB that is its own. */
async function onSmallDisk(fault: string) {
  const script = 'mount -t tmpfs -o size=2m none "$0"; exec "$1" --import "$2" "$3" "$4" "$0"';
  const ended = await inNamespace(script, folder, process.execPath, import.meta.resolve('tsx'), ROOT + CHILD, fault);
  if (ended.code !== 0) throw new Error(ended.err);
  return JSON.parse(ended.out);
}

/** The same in a plain folder. */
async function inFolder(fault: string) {
  const ended = await start(CHILD, [fault, folder]).ended;
  if (ended.code !== 0) throw new Error(ended.err);
  return JSON.parse(ended.out);
}

const OLD = { old: ['old', 'old', 'old'], inside: ['file', 'folder/a', 'folder/deep/b'], leaked: 0 };

withDisks('a full disk: what was there stays, nothing half written stays, and the line says what to do', async () => {
  const line = (...path: string[]) =>
    `cannot write ${join(folder, ...path)}: no space left on the device; free some space [ENOSPC]`;
  const { messages, ...rest } = await onSmallDisk('full');
  expect(rest).toEqual(OLD);
  expect(messages).toMatchObject({
    file: line('file'),
    folder: line('folder', 'big'),
    copy: line('copy'),
    made: line('x', 'y', 'z'),
  });
});

withDisks('a disk that became read-only: the same', async () => {
  const line = (...path: string[]) =>
    `cannot write ${join(folder, ...path)}: the file system is read-only; make it writable [EROFS]`;
  const { messages, appender, ...rest } = await onSmallDisk('readOnly');
  expect(rest).toEqual(OLD);
  expect(appender).toBe(line('lines.jsonl'));
  expect(messages).toEqual({
    file: line('file'),
    folder: line('folder'),
    copy: line('copy'),
    lock: line('folder', 'run.lock'),
    made: line('x', 'y'),
  });
});

withDisks('lines that do not fit leave no half line, and lines go on when there is space again', async () => {
  const { written, failed, whole, lines } = await onSmallDisk('appender');
  expect(failed.length).toBeGreaterThan(5);
  for (const message of failed) expect(message).toMatch(/lines\.jsonl: no space left/);
  expect(whole).toBe(true);
  expect(lines).toEqual(written);
  expect(written.slice(-5)).toEqual([40, 41, 42, 43, 44]);
});

test('a file that may grow no further (ulimit -f) is an error like others, not the end of the process', async () => {
  const script = 'ulimit -f 64; exec "$0" --import "$1" "$2" limit "$3"';
  const { spawnSync } = await import('node:child_process');
  const args = ['-c', script, process.execPath, import.meta.resolve('tsx'), ROOT + CHILD, folder];
  const { stdout, stderr } = spawnSync('sh', args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  const { messages, lines, whole, ...rest } = JSON.parse(stdout);
  expect({ ...rest, leaked: 0 }).toEqual(OLD);
  for (const what of ['file', 'folder', 'copy', 'made'])
    expect(messages[what]).toMatch(/would be larger than a file may be \(see ulimit -f\); raise that limit \[EFBIG\]$/);
  expect(new Set(lines).size).toBe(2);
  expect(whole).toBe(true);
});

test('a folder that is removed while it is written to is not made again by halves', async () => {
  const { messages, ...rest } = await inFolder('gone');
  expect(rest).toEqual({ inside: [], leaked: 0 });
  for (const message of Object.values(messages)) expect(message).toMatch(/its folder was removed or unmounted/);
});

test('a path that leads through a file, a link to nowhere or /proc is refused at once', async () => {
  const { messages, inside } = await inFolder('path');
  expect(inside).toEqual(['file']);
  for (const what of ['file', 'folder', 'appender'])
    expect(messages[what]).toMatch(/a part of the path is a file, not a folder/);
  expect(messages.link).toMatch(/link\/a: it exists already/);
  for (const what of ['proc', 'procFolder'])
    expect(messages[what]).toBe('cannot write /proc/phasetune/a: no folder can be made in /proc []');
});
