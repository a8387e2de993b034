import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockFolder } from '../../src/io/lock.js';
import { folderHolder, LOCK_NAME, liveHolder } from '../../src/io/lock-file.js';
import { temporaryFolder } from '../helpers/folder.js';

test('who holds a folder is read without taking it', async () => {
  const folder = temporaryFolder('held');
  expect(await folderHolder(folder)).toBeUndefined();
  expect(await folderHolder(join(folder, 'none'))).toBeUndefined();
  const lock = await lockFolder(folder, 'train');
  const holder = {
    pid: process.pid,
    host: hostname(),
    since: expect.any(String),
    standing: 'here',
    seenMs: expect.any(Number),
  };
  expect(await folderHolder(folder)).toEqual(holder);
  expect(await liveHolder(folder)).toEqual(holder);
  await lock.check();
  await lock.release();
  expect(await folderHolder(folder)).toBeUndefined();
});

test('a dead process holds nothing, one on another host until it was silent for two minutes', async () => {
  const folder = temporaryFolder('held');
  const path = join(folder, LOCK_NAME);
  const lock = await lockFolder(folder);
  const owner = JSON.parse(readFileSync(path, 'utf8'));
  await lock.release();
  const put = (changes: object, silentSeconds = 0) => {
    writeFileSync(path, JSON.stringify({ ...owner, ...changes }));
    utimesSync(path, new Date(), new Date(Date.now() - 1000 * silentSeconds));
  };
  put({ processStart: '1' });
  expect(await folderHolder(folder)).toMatchObject({ standing: 'gone' });
  expect(await liveHolder(folder)).toBeUndefined();
  put({ host: 'elsewhere' }, 110);
  expect(await liveHolder(folder)).toMatchObject({ host: 'elsewhere', standing: 'away' });
  put({ host: 'elsewhere' }, 130);
  expect(await liveHolder(folder)).toBeUndefined();
});

test('what is no lock of ours says nothing', async () => {
  const folder = temporaryFolder('held');
  writeFileSync(join(folder, LOCK_NAME), '');
  expect(await folderHolder(folder)).toBeUndefined();
  writeFileSync(join(folder, LOCK_NAME), '{"pid": 1}');
  expect(await folderHolder(folder)).toBeUndefined();
});
