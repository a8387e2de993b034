import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openLocal } from '../../../src/study/executors/local.js';
import { writeFakeStudy } from '../../helpers/study.js';
import { FAKE_CELL, fakeLocal } from '../fake.js';
import { executorContract, jobOf, oddFolder, untilEnded } from './contract.js';

executorContract('local', () => fakeLocal(2));

describe('on this machine', () => {
  test('a program that is not there is reported when a cell is handed over', async () => {
    const study = await writeFakeStudy(await oddFolder());
    const executor = openLocal({ cellCommand: ['/no/such/program'], environment: {}, parallel: 1 });
    await expect(executor.submit([jobOf(study, 1)])).rejects.toThrow(
      'cannot start /no/such/program: there is no such program',
    );
    expect((await executor.poll()).size).toBe(0);
    await executor.close();
  });

  test('options of phasetune in the environment do not reach a cell, all else does', async () => {
    const study = await writeFakeStudy(await oddFolder());
    const script = join(study.folder, 'print.mjs');
    writeFileSync(
      script,
      `console.log(['PHASETUNE_SEED', 'PHASETUNE_HOME', 'OTHER'].map((n) => process.env[n]).join());`,
    );
    const environment = { PATH: process.env.PATH, PHASETUNE_SEED: '9', PHASETUNE_HOME: '/home', OTHER: 'x' };
    const executor = openLocal({ cellCommand: [FAKE_CELL[0], script], environment, parallel: 1 });
    await executor.submit([jobOf(study, 1)]);
    expect((await untilEnded(executor, 1)).end).toMatchObject({ code: 0, lastLine: ',/home,x' });
    await executor.close();
  });
});
