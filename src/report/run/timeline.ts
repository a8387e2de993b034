import { groupBy } from '../../core/lists.js';
import { type TimelineMark, type TimelineSpan, timelinePlot } from '../../plots/timeline-plot.js';
import type { Figure } from '../page.js';
import type { RunReport } from './read-run-report.js';

interface Moment {
  readonly at: number;
  readonly stage: number;
}

interface Attempt {
  readonly name: string;
  readonly from: number;
  readonly moments: readonly Moment[];
  readonly marks: readonly TimelineMark[];
}

/** When each attempt at the run worked on which stage, what it saved, and what went wrong; nothing before it began. */
export function runTimeline(report: RunReport): Figure[] {
  const attempts = attemptsOf(report);
  if (attempts.every(({ moments }) => moments.length === 0)) return [];
  const rows = attempts.map(({ name, moments, marks }) => ({ name, spans: spansOf(moments), marks }));
  const iso = (time: number) => new Date(time).toISOString();
  return [
    {
      id: 'timeline',
      caption:
        'When each attempt worked on which stage, when checkpoints were written, and what went wrong. Where nothing is drawn, nothing ran.',
      svg: timelinePlot({ title: 'Timeline', rows }),
      left: 4,
      table: [
        ['attempt', 'what', 'from', 'to'],
        ...rows.flatMap(({ name, spans, marks }) => [
          ...spans.map(({ label, from, to }) => [name, label, iso(from), iso(to)]),
          ...marks.map(({ label, at }) => [name, label, iso(at), '']),
        ]),
      ],
    },
  ];
}

function attemptsOf({ run, history }: RunReport): Attempt[] {
  const resumed = run.resumed ?? [];
  const starts = [run.started, ...resumed.map(({ time }) => time)].map((time) => Date.parse(time));
  const moment = ({ time, stage }: { time: string; stage: number }): Moment => ({ at: Date.parse(time), stage });
  const moments = [...history.stages, ...history.steps, ...history.heldOut, ...history.checkpoints, ...history.spikes]
    .map(moment)
    .sort((one, other) => one.at - other.at);
  const marks: TimelineMark[] = [
    ...history.checkpoints.map(({ time, path }) => ({
      at: Date.parse(time),
      kind: 'checkpoint' as const,
      label: `checkpoint ${path}`,
    })),
    ...history.spikes.map(({ time, step }) => ({
      at: Date.parse(time),
      kind: 'spike' as const,
      label: `spike at step ${step}`,
    })),
    ...endOf(run),
  ];
  return starts.map((from, i) => {
    const isHere = ({ at }: { at: number }) =>
      (i === 0 || at >= from) && (i + 1 === starts.length || at < starts[i + 1]!);
    const first: TimelineMark = { at: from, kind: i === 0 ? 'start' : 'resume', label: i === 0 ? 'begun' : 'resumed' };
    return {
      name: `attempt ${i + 1}`,
      from,
      moments: moments.filter(isHere),
      marks: [first, ...marks.filter(isHere)],
    };
  });
}

function endOf({ status, finished }: RunReport['run']): TimelineMark[] {
  if (finished === undefined || status === 'running') return [];
  const at = Date.parse(finished);
  return [status === 'done' ? { at, kind: 'end', label: 'done' } : { at, kind: 'failure', label: status }];
}

/** A bar for each stage, from its first sign of life to its last. */
const spansOf = (moments: readonly Moment[]): TimelineSpan[] =>
  [...groupBy(moments, ({ stage }) => stage)].map(([stage, list]) => ({
    from: list[0]!.at,
    to: list.at(-1)!.at,
    label: stage === 0 ? 'before training' : `stage ${stage}`,
    tone: stage === 0 ? 'other' : 'work',
  }));
