import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeMadeUpStudy } from '../../scripts/report/made-up-study.js';
import { makeReport } from '../../src/report/make-report.js';
import { cellStates } from '../../src/study/cell-states.js';
import { studyStatus } from '../../src/study/control.js';
import { readStudy } from '../../src/study/study-record.js';
import { temporaryFolder } from '../helpers/folder.js';

/** Makes every file of a report in the folder itself. */
const report = (folder: string) => makeReport({ folder, markdown: join(folder, 'report.md') });

test('a study is what it was with its report in it', async () => {
  const folder = join(temporaryFolder('study'), 'orders');
  const arms = {
    'one-off': { order: 'one-off', stages: 1, effect: 0 },
    phased: { order: 'phased', stages: 3, effect: 0 },
  } as const;
  await writeMadeUpStudy(folder, { arms, seeds: 2, steps: 6, run: (cell, run) => (cell.index < 4 ? run : undefined) });
  const [before, states] = [await studyStatus(folder), await cellStates(await readStudy(folder))];
  const { pictures } = await report(folder);
  for (const { id } of before.cells.slice(0, 3).map(({ cell }) => cell)) await report(join(folder, 'cells', id, 'run'));
  expect(pictures.length).toBeGreaterThan(0);
  expect(await studyStatus(folder)).toEqual(before);
  expect(await cellStates(await readStudy(folder))).toEqual(states);
});
