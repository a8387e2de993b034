import { appendFile, mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { random } from '../../src/core/random.js';
import { followLines } from '../../src/io/follow-lines.js';
import { temporaryFolder } from '../helpers/folder.js';

const file = () => join(temporaryFolder('follow'), 'events.jsonl');

it('reads what is new, and leaves a half-written line until it is whole', async () => {
  const path = file();
  const follower = followLines(path);
  expect(await follower.read()).toEqual({ lines: [], restarted: false, more: false });
  expect(follower.seen).toBeUndefined();
  await writeFile(path, 'one\ntwo\nthr');
  expect(await follower.read()).toEqual({ lines: ['one', 'two'], restarted: false, more: false });
  expect(follower.offset).toBe(8);
  expect(follower.seen!.bytes).toBe(11);
  expect((await follower.read()).lines).toEqual([]);
  await appendFile(path, 'ee\n\nfour\n');
  expect((await follower.read()).lines).toEqual(['three', '', 'four']);
  expect(follower.offset).toBe(20);
});

it('begins again where the file was cut off, also where it has grown past the old end since', async () => {
  const path = file();
  const follower = followLines(path);
  await writeFile(path, 'a 1\nb 2\nc 3\n');
  await follower.read();
  await truncate(path, 4);
  expect(await follower.read()).toEqual({ lines: ['a 1'], restarted: true, more: false });
  await appendFile(path, 'b 5\nc 6\n');
  expect(await follower.read()).toEqual({ lines: ['b 5', 'c 6'], restarted: false, more: false });
  await truncate(path, 4);
  await appendFile(path, 'b 7\nc 8\nd 9\n');
  expect(await follower.read()).toEqual({ lines: ['a 1', 'b 7', 'c 8', 'd 9'], restarted: true, more: false });
});

it('begins again where another file took its place, and after it was removed', async () => {
  const path = file();
  const follower = followLines(path);
  await writeFile(path, 'a\nb\n');
  await follower.read();
  await writeFile(`${path}.new`, 'a\nb\n');
  await rename(`${path}.new`, path);
  expect(await follower.read()).toEqual({ lines: ['a', 'b'], restarted: true, more: false });
  await rm(path);
  expect(await follower.read()).toEqual({ lines: [], restarted: true, more: false });
  expect(await follower.read()).toEqual({ lines: [], restarted: false, more: false });
  await writeFile(path, 'c\n');
  expect(await follower.read()).toEqual({ lines: ['c'], restarted: false, more: false });
});

it('reads a long file in parts, and a line that is longer than a part', async () => {
  const path = file();
  const long = 'x'.repeat(3 << 20);
  const lines = Array.from({ length: 40_000 }, (_, i) => `line ${i} ${'é'.repeat(i % 50)}`);
  await writeFile(path, `${[...lines, long, 'end'].join('\n')}\n`);
  const follower = followLines(path);
  const read: string[] = [];
  for (let more = true; more; ) {
    const part = await follower.read();
    read.push(...part.lines);
    more = part.more;
  }
  expect(read.length).toBe(40_002);
  expect(read).toEqual([...lines, long, 'end']);
});

it('reads each line once and whole, however the writer is cut up', async () => {
  const path = file();
  const rng = random(3, 'follow');
  const follower = followLines(path);
  const text = Array.from({ length: 400 }, (_, i) => `${i} ☃ ${'ß'.repeat(rng.integer(40))}`);
  const bytes = Buffer.from(`${text.join('\n')}\n`);
  const read: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + rng.integer(300);
    await appendFile(path, bytes.subarray(at, end));
    at = end;
    read.push(...(await follower.read()).lines);
  }
  expect(read).toEqual(text);
});

it('refuses what is no file, and a line without an end', async () => {
  const path = file();
  await mkdir(path);
  await expect(followLines(path).read()).rejects.toThrow(/folder|not a file/);
  const other = file();
  await writeFile(other, 'x'.repeat((16 << 20) + 1));
  await expect(followLines(other).read()).rejects.toThrow(/more than 16777216 bytes/);
});
