import { tryParseJson } from '../../core/json-text.js';
import { followLines, type LineFollower } from '../../io/follow-lines.js';
import { readTail } from '../../io/log-file.js';
import type { PageBlock, Section } from '../../report/page.js';
import { attemptSchema } from '../../study/state.js';
import { type Study, studyPaths } from '../../study/study-record.js';
import { LOG_LINES } from './follow-run.js';
import type { LiveCell } from './study-state.js';

/** What happened to the cells of a study, and what those that run have printed. */
export interface StudyLog {
  read(study: Study, cells: readonly LiveCell[]): Promise<Section>;
}

interface Followed {
  readonly follower: LineFollower;
  /** Time and words. */
  lines: { readonly time: string; readonly text: string }[];
  /** The number of the last attempt. */
  attempt: number;
}

/** Enough for fifty lines of a log. */
const TAIL_BYTES = 1 << 14;

/** Logs of so many cells are shown: those that run, or else the last that failed. */
const MOST_LOGS = 4;

/** Follows the attempts of all cells, and the logs of a few. */
export function followStudyLog(): StudyLog {
  const known = new Map<string, Followed>();
  return {
    async read(study, cells) {
      const paths = studyPaths(study.folder);
      for (const { cell } of cells) {
        const { id } = cell;
        const each = known.get(id) ?? { follower: followLines(paths.attempts(id)), lines: [], attempt: 0 };
        known.set(id, each);
        await readAttempts(each, id);
      }
      const happened = [...known.values()]
        .flatMap(({ lines }) => lines)
        .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
        .slice(-LOG_LINES)
        .map(({ time, text }) => `${time.slice(11, 19)} ${text}`);
      const blocks: PageBlock[] = happened.length > 0 ? [{ kind: 'code', text: happened.join('\n') }] : [];
      for (const id of loggedCells(cells)) {
        const { attempt } = known.get(id)!;
        const tail = attempt > 0 ? await readTail(paths.log(id, attempt), TAIL_BYTES) : '';
        if (tail.trim() === '') continue;
        const text = tail.trimEnd().split('\n').slice(-LOG_LINES).join('\n');
        blocks.push({ kind: 'details', summary: `Log of ${id}, attempt ${attempt}`, blocks: [{ kind: 'code', text }] });
      }
      return {
        id: 'log',
        title: 'Log',
        blocks: blocks.length > 0 ? blocks : [{ kind: 'paragraph', text: 'Nothing happened yet.' }],
      };
    },
  };
}

function loggedCells(cells: readonly LiveCell[]): string[] {
  const running = cells.filter(({ state }) => state.state === 'running');
  const shown = running.length > 0 ? running : cells.filter(({ state }) => state.state === 'failed');
  return shown.slice(-MOST_LOGS).map(({ cell }) => cell.id);
}

async function readAttempts(each: Followed, id: string): Promise<void> {
  const { lines, restarted } = await each.follower.read();
  if (restarted) each.lines = [];
  for (const line of lines) {
    const { data } = attemptSchema.safeParse(tryParseJson(line));
    if (!data) continue;
    if (data.event === 'retry') each.lines.push({ time: data.time, text: `${id}: is to be tried again` });
    else if (data.event === 'begin') {
      each.attempt = data.attempt;
      each.lines.push({ time: data.time, text: `${id}: attempt ${data.attempt} begins on ${data.host}` });
    } else {
      const why = data.failure === undefined ? '' : ` (${data.failure}${data.reason ? `: ${data.reason}` : ''})`;
      each.lines.push({ time: data.time, text: `${id}: attempt ${data.attempt} ends: ${data.outcome}${why}` });
    }
  }
}
