import { PROGRAM, type Vocabulary } from '../../core/remedies.js';
import { diagnosisBlocks } from '../../eval/diagnosis/blocks.js';
import { peopleBlocks } from '../../eval/people/report.js';
import {
  lengthBlocks,
  missingBlocks,
  partBlocks,
  readingBlocks,
  referenceBlocks,
  winRateNote,
} from '../../eval/result/report.js';
import { checkBlocks } from '../../eval/result/report-checks.js';
import { judgeBlocks } from '../../eval/result/report-judge.js';
import type { EvaluationResult } from '../../eval/result/result.js';
import { aboutLine, winRateTable } from '../../eval/result/summary.js';
import { formatCounted } from '../../telemetry/format.js';
import type { Figure, Page, PageBlock, Section } from '../page.js';
import { sectionsOf, tableOf } from '../page-blocks.js';
import { folderName } from '../parts/shown.js';
import { answersSection } from './answers-section.js';
import { entranceBlocks } from './entrance-blocks.js';
import { type ResultFigures, resultFigures } from './figures.js';
import { methodSection } from './method-section.js';
import { progressSection } from './progress-section.js';
import type { EvaluationReport } from './read-evaluation-report.js';

/**
 * The page of an evaluation: the answer about every arm first, then everything that it rests on. Without a result, how
 * far the evaluation is, and no verdict.
 *
 * @param vocabulary how the page writes the tasks that make the evaluation again.
 *
 * @example
 * const { title, sections } = evaluationPage(await readEvaluationReport('evals/first'));
 * console.log(title, sections.map(({ id }) => id));
 */
export function evaluationPage(report: EvaluationReport, vocabulary: Vocabulary = PROGRAM): Page {
  const { folder, file, result, rows, answered, judged, outdated } = report;
  const others = Object.keys(file.arms).filter((arm) => arm !== file.baseline);
  return {
    title: `Evaluation: ${folderName(folder)}`,
    subtitle: result
      ? `${aboutLine(result)}.`
      : `${others.length > 0 ? `${others.join(', ')} against ${file.baseline}` : file.baseline} on ${formatCounted(rows, 'answered row')}.`,
    sections: result
      ? resultSections(report, result, vocabulary)
      : [progressSection(report, vocabulary), ...answersSection(report), methodSection(report, vocabulary)],
    data: { folder, rows, outdated, answered, judged, ...(result && { result }) },
  };
}

function resultSections(report: EvaluationReport, result: EvaluationResult, vocabulary: Vocabulary): Section[] {
  const figures = resultFigures(result, report.plots);
  const { diagnosis, people, baseline } = result;
  return [
    answerSection(result, figures),
    ...warningSection(result),
    ...sectionsOf(missingBlocks(result)),
    ...withFigures(sectionsOf(lengthBlocks(result)), figures.lengths),
    ...withFigures(sectionsOf(partBlocks(result)), figures.bands ? [figures.bands] : [], 'by-difficulty'),
    ...judgeSections(result),
    ...sectionsOf(referenceBlocks(result)),
    ...sectionsOf(checkBlocks(result), 'checks-'),
    ...(people ? sectionsOf(peopleBlocks(people, baseline)) : []),
    ...Object.values(diagnosis ?? {}).flatMap((one) => sectionsOf(asSection(diagnosisBlocks(one)))),
    ...answersSection(report),
    ...sectionsOf(readingBlocks(result)),
    methodSection(report, vocabulary),
  ];
}

/** The first heading at the level of sections. */
const asSection = ([first, ...rest]: ReturnType<typeof diagnosisBlocks>): ReturnType<typeof diagnosisBlocks> =>
  first?.kind === 'heading' ? [{ ...first, level: 2 }, ...rest] : rest;

function answerSection(result: EvaluationResult, { winRates }: ResultFigures): Section {
  const { judge, missing, arms } = result;
  const note = (tone: 'answer' | 'warning', text: string): PageBlock => ({ kind: 'note', tone, text });
  if (!judge)
    return {
      id: 'answer',
      title: 'Answer',
      blocks: [note('warning', 'Nobody has judged these answers: there is no win rate, and no verdict.')],
    };
  const table = winRateTable(result);
  return {
    id: 'answer',
    title: 'Answer',
    blocks: [
      ...Object.values(arms).map(({ sentence }) => note('answer', sentence)),
      ...missing.problems.map((text) => note('warning', `${text}.`)),
      ...judge.problems.map((problem) => note('warning', `The judge's figures are exploratory: ${problem}.`)),
      ...(winRates ? [{ kind: 'figure', figure: winRates } as const] : []),
      ...(table.kind === 'table' ? [tableOf(table.rows)] : []),
      { kind: 'paragraph', text: winRateNote(result) },
    ],
  };
}

const warningSection = ({ warnings }: EvaluationResult): Section[] =>
  warnings.length === 0
    ? []
    : [{ id: 'warnings', title: 'Before you read the answer', blocks: [{ kind: 'list', items: warnings }] }];

/** Puts figures first in the section that they belong to: the only one, or the one of this id. */
const withFigures = (sections: readonly Section[], figures: readonly Figure[], id?: string): Section[] =>
  sections.map((section) =>
    figures.length === 0 || (id !== undefined && section.id !== id)
      ? section
      : {
          ...section,
          blocks: [
            figures.length === 1 ? { kind: 'figure', figure: figures[0]! } : { kind: 'panels', figures },
            ...section.blocks,
          ],
        },
  );

/** The judge's sections; its entrance test stands with its figures. */
function judgeSections(result: EvaluationResult): Section[] {
  const test = entranceBlocks(result.judge?.entrance ?? null);
  return sectionsOf(judgeBlocks(result)).map((section) =>
    section.id === 'the-judge' ? { ...section, blocks: [...section.blocks, ...test] } : section,
  );
}
