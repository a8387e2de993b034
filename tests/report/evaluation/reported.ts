import { readFileSync } from 'node:fs';
import { evalPaths } from '../../../src/eval/eval-file.js';
import { evaluationPage } from '../../../src/report/evaluation/evaluation-page.js';
import { readEvaluationReport } from '../../../src/report/evaluation/read-evaluation-report.js';
import type { Page, PageBlock, Section } from '../../../src/report/page.js';
import { reportEvaluation } from '../../../src/workflow/eval-report.js';
import { type Made, made, PASSED, prefers, writeMade } from '../../eval/result/made-evaluation.js';
import { temporaryFolder } from '../../helpers/folder.js';

/** Writes an evaluation; `report`: its result is computed too. */
export async function folderOf(given: Made, { report = true, level = 0.95 } = {}): Promise<string> {
  const folder = temporaryFolder('evaluation');
  writeMade(folder, made(given));
  if (report) await reportEvaluation({ folder, resamples: 300, level });
  return folder;
}

/** Three arms; of two sets phased is preferred to base, and reversed is as good as it. */
export const clear: Made = {
  sets: { koala: 40, vicuna: 20 },
  arms: { base: 1, phased: 1, reversed: 1 },
  lengthOf: (arm, _row, uniform) => (arm === 'phased' ? 90 : 60) + 60 * uniform(),
  answer: (arm, row) => ({
    output: `The answer of ${arm} to ${row}: ${'x'.repeat((row * 7 + arm.length * 5) % 50)}`,
    reference: `Reference ${row}`,
    score: row % 5,
    finish: row % 2 === 0 ? 'stop' : 'length',
  }),
  judges: { gpt: ({ arm, ...pair }) => prefers(arm === 'phased' ? 0.85 : 0.5, 0.2)({ arm, ...pair }) },
  about: { gpt: PASSED },
};

/** The page, with so many pairs of answers. */
export const pageOf = async (folder: string, answers = 0): Promise<Page> =>
  evaluationPage(await readEvaluationReport(folder, { answers }));
/** A section of a page; throws where it has none of that id. */
export const section = (page: Page, id: string): Section => {
  const found = page.sections.find((one) => one.id === id);
  if (!found) throw new Error(`no section ${id}: ${page.sections.map((one) => one.id).join(', ')}`);
  return found;
};
/** The blocks of one kind. */
export const of = <K extends PageBlock['kind']>(blocks: readonly PageBlock[], kind: K) =>
  blocks.filter((block): block is Extract<PageBlock, { kind: K }> => block.kind === kind);
/** What result.json says. */
export const resultIn = (folder: string) => JSON.parse(readFileSync(evalPaths(folder).result, 'utf8'));
