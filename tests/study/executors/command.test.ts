import { describe, expect, test } from 'vitest';
import { openCommand } from '../../../src/study/executors/command.js';
import { writeFakeStudy } from '../../helpers/study.js';
import { FAKE_CELL } from '../fake.js';
import { executorContract, jobOf, oddFolder, untilEnded } from './contract.js';

const open = (command: string) => openCommand({ command, environment: process.env, parallel: 2 });

executorContract('command', () => open(`${FAKE_CELL.join(' ')} {study} {index}`));

describe('of several words for the shell', () => {
  executorContract('command', () => open(`${FAKE_CELL.join(' ')} {study} {index}; exit $?`));
});

describe('a command', () => {
  test('gets the folder and the number as one word each', async () => {
    const study = await writeFakeStudy(await oddFolder());
    const executor = open(`printf '<%s>' {study} {index}; echo`);
    await executor.submit([jobOf(study, 3)]);
    expect((await untilEnded(executor, 3)).end).toMatchObject({ code: 0, lastLine: `<${study.folder}><3>` });
    await executor.close();
  });

  test('that is not there ends with the status of the shell', async () => {
    const study = await writeFakeStudy(await oddFolder());
    const executor = open('no-such-program {study} {index}');
    await executor.submit([jobOf(study, 1)]);
    expect((await untilEnded(executor, 1)).end).toMatchObject({
      code: 127,
      lastLine: expect.stringContaining('not found'),
    });
    await executor.close();
  });

  test('that does not say which cell is refused', () => {
    expect(() => open('ssh host run {study}')).toThrow('does not contain {index}: ssh host run {study}');
    expect(() => open('ssh host run')).toThrow('does not contain {study} and {index}');
  });
});
