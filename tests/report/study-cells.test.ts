import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeMadeUpStudy } from '../../scripts/report/made-up-study.js';
import { makeReport } from '../../src/report/make-report.js';
import { studyPaths } from '../../src/study/study-record.js';
import { temporaryFolder } from '../helpers/folder.js';

test('cells that another engine trained are counted, and each is marked', async () => {
  const folder = join(temporaryFolder('page'), 'orders');
  const trainedBy = {
    engine: 'TRL 1.16.0',
    ...{ versions: {}, processes: 1, precision: 'bfloat16', differences: [], notKnown: [] },
  };
  await writeMadeUpStudy(folder, {
    arms: {
      'one-off': { order: 'one-off', stages: 1, effect: 0 },
      phased: { order: 'phased', stages: 2, effect: 0 },
    },
    seeds: 2,
    steps: 6,
  });
  for (const seed of [1, 2]) {
    const path = join(studyPaths(folder).run(`phased-seed-${seed}`), 'run.json');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), trainedBy }));
  }
  const page = readFileSync((await makeReport({ folder })).out, 'utf8');
  expect(page).toContain('4 cells: 4 done; none was resumed; no loss spiked; 2 trained by TRL 1.16.0.');
  expect(page.match(/by TRL 1\.16\.0</g)).toHaveLength(2);
});
