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
import type { Block } from '../../telemetry/document.js';
import { formatCounted } from '../../telemetry/format.js';
import type { Figure, Page, PageBlock, Section } from '../page.js';
import { distinctSections, sectionOf, sectionsOf, tableOf } from '../page-blocks.js';
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
    sections: distinctSections(
      result
        ? resultSections(report, result, vocabulary)
        : [progressSection(report, vocabulary), ...answersSection(report), methodSection(report, vocabulary)],
    ),
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
    ...partSections(result, figures.bands),
    ...judgeSections(result),
    ...sectionOf('Compared with the reference answers', referenceBlocks(result)),
    ...sectionOf('What rules find in the answers', withoutFirst(checkBlocks(result))),
    ...(people ? sectionsOf(peopleBlocks(people, baseline)) : []),
    ...Object.values(diagnosis ?? {}).flatMap((one) =>
      sectionOf(
        `Diagnosis of ${one.arm}${one.oneOff === null ? '' : ` against ${one.oneOff}`}`,
        withoutFirst(diagnosisBlocks(one)),
      ),
    ),
    ...answersSection(report),
    ...sectionsOf(readingBlocks(result)),
    methodSection(report, vocabulary),
  ];
}

/** Blocks without the heading that they begin with, for a section with a title of the page's. */
const withoutFirst = ([first, ...rest]: readonly Block[]): readonly Block[] =>
  first === undefined || first.kind === 'heading' ? rest : [first, ...rest];

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

const figureBlock = (figures: readonly Figure[]): PageBlock[] => {
  const [first] = figures;
  if (!first) return [];
  return [figures.length === 1 ? { kind: 'figure', figure: first } : { kind: 'panels', figures }];
};

const withFigures = (sections: readonly Section[], figures: readonly Figure[]): Section[] =>
  sections.map((section) => ({ ...section, blocks: [...figureBlock(figures), ...section.blocks] }));

/** Win rates by set and by band; a picture of the bands has their table with it. */
const partSections = (result: EvaluationResult, bands: Figure | undefined): Section[] =>
  sectionsOf(partBlocks(result)).map((section) => {
    if (!bands || section.id !== 'by-difficulty') return section;
    const others = section.blocks.filter(({ kind }) => kind !== 'table');
    return { ...section, blocks: [...figureBlock([bands]), ...others] };
  });

/** The judge's sections; its entrance test stands with its figures. */
function judgeSections(result: EvaluationResult): Section[] {
  const test = entranceBlocks(result.judge?.entrance ?? null);
  return sectionsOf(judgeBlocks(result)).map((section) =>
    section.id === 'the-judge' ? { ...section, blocks: [...section.blocks, ...test] } : section,
  );
}
