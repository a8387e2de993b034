import { join } from 'node:path';
import type { Vocabulary } from '../core/remedies.js';
import { exists } from '../io/files.js';
import { evaluationPage } from './evaluation/evaluation-page.js';
import { readEvaluationReport } from './evaluation/read-evaluation-report.js';
import type { Page } from './page.js';
import { readRunReport } from './run/read-run-report.js';
import { runPage } from './run/run-page.js';
import { readStagedReport } from './staged/read-staged-report.js';
import { stagedPage } from './staged/staged-page.js';
import { readStudyReport } from './study/read-study-report.js';
import { studyPage } from './study/study-page.js';

/** What decides a page besides the files. */
export interface PageOptions {
  /** How many pairs of answers of an evaluation are shown [none]. */
  readonly answers?: number | undefined;
  /** Names tasks and options in the commands that a page shows. */
  readonly vocabulary: Vocabulary;
}

/** A kind of folder that a report can be made of. */
export interface ReportKind {
  /** With its article: `a run`. */
  readonly name: string;
  /** What it is recognised by, for a message: `run.json`. */
  readonly sign: string;
  recognize(folder: string): boolean | Promise<boolean>;
  page(folder: string, options: PageOptions): Promise<Page>;
}

const has = (name: string) => (folder: string) => exists(join(folder, name));

/** Every kind of folder that a report can be made of, in the order that they are tried. */
export const REPORT_KINDS: readonly ReportKind[] = [
  {
    name: 'a run',
    sign: 'run.json',
    recognize: has('run.json'),
    page: async (folder, { vocabulary }) => runPage(await readRunReport(folder), vocabulary),
  },
  {
    name: 'a study',
    sign: 'study.json',
    recognize: has('study.json'),
    page: async (folder, { vocabulary }) => studyPage(await readStudyReport(folder), vocabulary),
  },
  {
    name: 'an evaluation',
    sign: 'eval.json',
    recognize: has('eval.json'),
    page: async (folder, { answers, vocabulary }) =>
      evaluationPage(await readEvaluationReport(folder, { answers }), vocabulary),
  },
  {
    name: 'a staged set',
    sign: 'manifest.json',
    recognize: has('manifest.json'),
    page: async (folder, { vocabulary }) => stagedPage(await readStagedReport(folder), vocabulary),
  },
];
