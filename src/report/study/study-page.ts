import { PROGRAM, type Vocabulary } from '../../core/remedies.js';
import { formatCounted } from '../../telemetry/format.js';
import type { Page } from '../page.js';
import { folderName } from '../parts/shown.js';
import { answerSection } from './answer-section.js';
import { armsSection } from './arms-section.js';
import { cellsSection } from './cells-section.js';
import { differenceSection } from './difference-section.js';
import { studyLossSection } from './loss-section.js';
import { matrixSection } from './matrix-section.js';
import { studyMethodSection } from './method-section.js';
import { panelSection } from './panel-section.js';
import { powerSection } from './power-section.js';
import type { StudyReport } from './read-study-report.js';
import { studyValues, studyValuesSection } from './values.js';

/**
 * The page of a study: the answer first, then all that it rests on. While the study is not finished there are no
 * verdicts on it. The same report gives the same page.
 *
 * @param vocabulary names tasks and options in the commands that the page shows.
 *
 * @example
 * const html = renderPage(studyPage(await readStudyReport('studies/first')));
 */
export function studyPage(report: StudyReport, vocabulary: Vocabulary = PROGRAM): Page {
  const { folder, record, cells } = report;
  const { control } = record.analysis;
  const others = Object.keys(record.study.arms).filter((arm) => arm !== control);
  return {
    title: `Study ${folderName(folder)}`,
    subtitle: `${others.join(', ')} against ${control}; ${formatCounted(cells.length, 'cell')}`,
    sections: [
      answerSection(report),
      ...differenceSection(report),
      armsSection(report),
      ...matrixSection(report),
      ...studyLossSection(report),
      ...panelSection(report),
      ...powerSection(report),
      cellsSection(report),
      studyMethodSection(report, vocabulary),
      studyValuesSection(report),
    ],
    data: studyValues(report),
  };
}
