import { readTail } from '../../io/log-file.js';
import type { PageBlock, Section } from '../../report/page.js';
import type { Attempt } from '../../study/state.js';
import { type Study, studyPaths } from '../../study/study-record.js';
import { LOG_LINES } from './follow-run.js';
import type { LiveCell } from './study-state.js';

/** Enough for fifty lines of a log. */
const TAIL_BYTES = 1 << 14;

/** Logs of so many cells are shown: those that run, otherwise the last that failed. */
const MOST_LOGS = 4;

/** What happened to the cells of a study, and what those that run have printed. */
export async function studyLogSection(study: Study, cells: readonly LiveCell[]): Promise<Section> {
  const happened = cells
    .flatMap(({ cell, attempts }) =>
      attempts.map((attempt) => ({ time: attempt.time, words: wordAttempt(attempt, cell.id) })),
    )
    .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
    .slice(-LOG_LINES)
    .map(({ time, words }) => `${time.slice(0, 10)} ${time.slice(11, 19)} ${words}`);
  const blocks: PageBlock[] =
    happened.length === 0
      ? [{ kind: 'paragraph', text: 'Nothing has happened yet.' }]
      : [
          { kind: 'paragraph', text: 'Times are UTC.' },
          { kind: 'code', text: happened.join('\n') },
        ];
  for (const { cell, attempts } of loggedCells(cells)) {
    const attempt = Math.max(0, ...attempts.map((one) => (one.event === 'begin' ? one.attempt : 0)));
    const tail = attempt > 0 ? await readTail(studyPaths(study.folder).log(cell.id, attempt), TAIL_BYTES) : '';
    if (tail.trim() === '') continue;
    const text = tail.trimEnd().split('\n').slice(-LOG_LINES).join('\n');
    blocks.push({
      kind: 'details',
      summary: `Log of ${cell.id}, attempt ${attempt}`,
      blocks: [{ kind: 'code', text }],
    });
  }
  return { id: 'log', title: 'Log', blocks };
}

function loggedCells(cells: readonly LiveCell[]): readonly LiveCell[] {
  const running = cells.filter(({ state }) => state.state === 'running');
  const shown = running.length > 0 ? running : cells.filter(({ state }) => state.state === 'failed');
  return shown.slice(-MOST_LOGS);
}

function wordAttempt(attempt: Attempt, id: string): string {
  if (attempt.event === 'retry') return `${id}: is to be tried again`;
  if (attempt.event === 'begin') return `${id}: attempt ${attempt.attempt} begins on ${attempt.host}`;
  const { outcome, failure, reason } = attempt;
  const why = failure === undefined ? '' : ` (${failure}${reason ? `: ${reason}` : ''})`;
  return `${id}: attempt ${attempt.attempt} ends: ${outcome}${why}`;
}
