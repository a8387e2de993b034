import type { Section } from '../../report/page.js';
import type { LiveView } from '../view.js';
import { followRun } from './follow-run.js';
import { progressOf, stateBlocks, stateInWords } from './run-state.js';

/** The page of a run as it grows; `named` is how the folder is called. */
export function openRunView(folder: string, named: string): LiveView {
  const follower = followRun(folder);
  return {
    async look() {
      const run = await follower.read();
      const state = stateInWords(run);
      const progress = progressOf(run);
      const percent = progress ? `${Math.floor(progress.share * 100)} %` : '…';
      const sections: Section[] = [
        { id: 'state', title: 'State', blocks: stateBlocks(run, Date.now()) },
        ...problemSection(run.problems),
        ...logSection(run.log),
      ];
      return {
        page: { title: named, subtitle: 'A run of phasetune, as its files are now.', sections },
        state,
        windowTitle: `${percent} · ${named}`,
        position: run.position,
        restarts: run.restarts,
      };
    },
  };
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
export const logSection = (lines: readonly string[]): Section[] =>
  lines.length === 0 ? [] : [{ id: 'log', title: 'Log', blocks: [{ kind: 'code', text: lines.join('\n') }] }];
