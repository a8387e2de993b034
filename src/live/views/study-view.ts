import { PROGRAM } from '../../core/remedies.js';
import type { Section } from '../../report/page.js';
import type { CellReport, StudyReport } from '../../report/study/read-study-report.js';
import { studyPage } from '../../report/study/study-page.js';
import { type Study, studyPaths } from '../../study/study-record.js';
import type { LiveView } from '../view.js';
import { type FollowedStudy, followStudy } from './follow-study.js';
import { openRunView, problemSection, type Wording } from './run-view.js';
import { studyLogSection } from './study-log.js';
import { blocksOf, cellsSection, type LiveCell, shareDone, studyStateBlocks, studyStateOf } from './study-state.js';

/** Sections of a report that a live page has not: all values are in the study's own files. */
const LEFT_OUT = new Set(['values']);

/** Those that say something of arms which holds only at the end; the cells' own section has more while they run. */
const AT_THE_END = new Set(['answer', 'power', 'cells']);

/** The page of a study as it grows, and of its cells' runs. There is no verdict on it before the end. */
export function openStudyView(
  folder: string,
  wording: Wording,
): LiveView & { cell(index: number): LiveView | undefined } {
  const { name, vocabulary = PROGRAM } = wording;
  const read = followStudy(folder);
  let study: Study | undefined;
  return {
    cell(index) {
      const cell = study?.cells.find((each) => each.index === index);
      return cell && openRunView(studyPaths(folder).run(cell.id), { ...wording, name: cell.id });
    },
    async look() {
      const now = await read();
      study = now.study;
      const { cells, outcome } = now;
      const { final } = outcome;
      const report = reportOf(folder, now);
      const page = report && studyPage(report, vocabulary);
      const shown = (page?.sections ?? []).filter(({ id }) => !LEFT_OUT.has(id) && (final || !AT_THE_END.has(id)));
      const sections: Section[] = [
        { id: 'state', title: 'State', blocks: studyStateBlocks(now, Date.now()) },
        ...(final ? [] : [cellsSection(cells)]),
        ...problemSection('problem' in outcome ? [outcome.problem] : []),
        ...shown,
        await studyLogSection(study, cells),
      ];
      const { planned, complete } = blocksOf(cells);
      const runs = cells.flatMap(({ run }) => (run ? [run] : []));
      return {
        page: { title: page?.title ?? `Study ${name}`, subtitle: page?.subtitle ?? folder, sections },
        state: `${studyStateOf(now)}, ${complete} of ${planned} blocks complete`,
        windowTitle: `${Math.floor(shareDone(cells) * 100)} % · ${name}`,
        position: runs.reduce((n, { position }) => n + position, 0),
        restarts: runs.reduce((n, { restarts }) => n + restarts, 0),
      };
    },
  };
}

/** What a report is made of; undefined where the results cannot be read. */
function reportOf(folder: string, { study, cells, outcome, holder }: FollowedStudy): StudyReport | undefined {
  if ('problem' in outcome) return undefined;
  const { record } = study;
  return { folder, record, cells: cells.map(cellReport), ...outcome, ...(holder && { coordinator: holder }) };
}

function cellReport({ cell, state, attempts, run }: LiveCell): CellReport {
  const { steps = [], heldOut = [], spikes = [] } = run?.history ?? {};
  const [problem] = run?.problems ?? [];
  return {
    cell,
    state,
    attempts,
    ...(run?.run && { run: run.run }),
    training: { trainedTokens: steps.map(({ trainedTokens }) => trainedTokens), loss: steps.map(({ loss }) => loss) },
    heldOut,
    spikes,
    ...(problem !== undefined && { problem }),
  };
}
