import { shownName } from '../../core/shown.js';
import { type TimelineMark, type TimelineSpan, timelinePlot } from '../../plots/timeline-plot.js';
import type { Figure } from '../page.js';
import type { CellReport } from './read-study-report.js';

/** Cells up to which there is a picture: more would be a page by themselves. */
const MOST_CELLS = 60;

/** When each cell was worked on, and how each attempt ended; nothing for a large study, or before it began. */
export function studyTimeline(cells: readonly CellReport[]): Figure[] {
  const begun = cells.filter(({ attempts }) => attempts.some(({ event }) => event === 'begin'));
  if (begun.length === 0 || begun.length > MOST_CELLS) return [];
  const rows = begun.map((report) => ({ name: report.cell.id, ...spansOf(report) }));
  return [
    {
      id: 'timeline',
      caption: 'When each cell was worked on, and how each attempt ended. An attempt without an end has no bar.',
      svg: timelinePlot({ title: 'Attempts', rows }),
      left: 6,
      table: [['cell', 'attempt', 'host', 'from', 'to', 'outcome'], ...begun.flatMap(attemptRows)],
    },
  ];
}

function attemptRows({ cell, attempts }: CellReport): string[][] {
  return attempts.flatMap((begin) => {
    if (begin.event !== 'begin') return [];
    const end = attempts.find((line) => line.event === 'end' && line.attempt === begin.attempt);
    const outcome = end?.event === 'end' ? (end.failure ?? end.outcome) : 'no end';
    return [[cell.id, String(begin.attempt), shownName(begin.host, 60), begin.time, end?.time ?? '', outcome]];
  });
}

function spansOf({ attempts }: CellReport): { spans: TimelineSpan[]; marks: TimelineMark[] } {
  const [spans, marks]: [TimelineSpan[], TimelineMark[]] = [[], []];
  const begins = new Map<number, number>();
  for (const line of attempts) {
    const at = Date.parse(line.time);
    if (line.event === 'begin') {
      begins.set(line.attempt, at);
      const label = `attempt ${line.attempt} begun`;
      marks.push(line.attempt === 1 ? { at, kind: 'start', label } : { at, kind: 'resume', label });
    } else if (line.event === 'end') {
      const from = begins.get(line.attempt);
      const failed = line.outcome === 'failed';
      const label = `attempt ${line.attempt}: ${line.outcome}${line.failure === undefined ? '' : ` (${line.failure})`}`;
      if (from !== undefined) spans.push({ from, to: at, label, tone: failed ? 'bad' : 'work' });
      if (line.outcome === 'done') marks.push({ at, kind: 'end', label: 'done' });
      else marks.push({ at, kind: 'failure', label: line.outcome });
    } else marks.push({ at, kind: 'resume', label: 'failures set aside' });
  }
  return { spans, marks };
}
