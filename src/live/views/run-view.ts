import { PROGRAM, type Vocabulary } from '../../core/remedies.js';
import type { Page, Section } from '../../report/page.js';
import { runPage } from '../../report/run/run-page.js';
import type { LiveView } from '../view.js';
import { type FollowedRun, followRun } from './follow-run.js';
import { progressOf, runStateOf, stateBlocks, stateInWords } from './run-state.js';

/** How a page is worded. */
export interface Wording {
  /** How the folder is called. */
  readonly name: string;
  /** Names tasks and options. */
  readonly vocabulary?: Vocabulary | undefined;
}

/** Sections of a report that a live page has not: all values are in the run's own files. */
const LEFT_OUT = new Set(['values']);

/** The page of a run as it grows: where it stands, what a report of it would show now, and its log. */
export function openRunView(folder: string, { name, vocabulary = PROGRAM }: Wording): LiveView {
  const follower = followRun(folder);
  return {
    async look() {
      const run = await follower.read();
      const progress = progressOf(run);
      const percent = progress ? `${Math.floor(progress.share * 100)} %` : '…';
      const report = reportOf(folder, run, vocabulary);
      const over = runStateOf(run) === 'done';
      const shown = (report?.sections ?? []).filter(({ id }) => !LEFT_OUT.has(id) && (over || id !== 'answer'));
      const sections: Section[] = [
        { id: 'state', title: 'State', blocks: stateBlocks(run, Date.now()) },
        ...problemSection(run.problems),
        ...shown,
        ...logSection(run.log),
      ];
      return {
        page: { title: report?.title ?? name, subtitle: report?.subtitle ?? folder, sections },
        state: stateInWords(run),
        windowTitle: `${percent} · ${name}`,
        position: run.position,
        restarts: run.restarts,
      };
    },
  };
}

/** What a report would show; undefined before there is anything to report. */
function reportOf(folder: string, { run, history, holder }: FollowedRun, vocabulary: Vocabulary): Page | undefined {
  if (!run) return undefined;
  const alive = holder && holder.standing !== 'gone';
  return runPage({ folder, run, history, ...(alive && { holder }) }, vocabulary);
}

/** What could not be read, if anything. */
export const problemSection = (problems: readonly string[]): Section[] =>
  problems.length === 0
    ? []
    : [
        {
          id: 'problems',
          title: 'What could not be read',
          blocks: problems.map((text) => ({ kind: 'note', tone: 'error', text })),
        },
      ];

/** The last lines of a log, if there are any. */
const logSection = (lines: readonly string[]): Section[] =>
  lines.length === 0
    ? []
    : [
        {
          id: 'log',
          title: 'Log',
          blocks: [
            { kind: 'paragraph', text: 'Times are UTC.' },
            { kind: 'code', text: lines.join('\n') },
          ],
        },
      ];
