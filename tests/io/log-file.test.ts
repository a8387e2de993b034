import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLog, readTail } from '../../src/io/log-file.js';
import { temporaryFolder } from '../helpers/folder.js';

test('a log takes what other processes print, at its end', async () => {
  const path = join(temporaryFolder('log'), 'a/b/attempt-1.log');
  for (const text of ['one', 'two']) {
    const log = await openLog(path);
    execFileSync('sh', ['-c', `echo ${text}; echo ${text} failed >&2`], { stdio: ['ignore', log.file, log.file] });
    await log.close();
  }
  expect(readFileSync(path, 'utf8')).toBe('one\none failed\ntwo\ntwo failed\n');
});

test('the end of a log, whatever is in it', async () => {
  const path = join(temporaryFolder('log'), 'log');
  expect(await readTail(path, 10)).toBe('');
  writeFileSync(path, 'abcdefghij');
  expect(await readTail(path, 4)).toBe('ghij');
  expect(await readTail(path, 100)).toBe('abcdefghij');
  writeFileSync(path, 'é!');
  expect(await readTail(path, 2)).toBe('\ufffd!');
});

test('a log that cannot be written is an error with the code of the system', async () => {
  await expect(openLog(temporaryFolder('log'))).rejects.toMatchObject({ fields: { errno: 'EISDIR' } });
});
