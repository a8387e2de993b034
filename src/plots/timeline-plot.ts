import { type Axis, axisBottom } from './axis.js';
import { durationAxis } from './duration-axis.js';
import { fittedText, heading, LINE_ROOM, TITLE_ROOM } from './heading.js';
import { element, FONT_SIZE, MARGIN, rounded, svgInline, text, titleElement, WIDTH } from './svg.js';
import { fitNames, fitText, textWidth } from './text-width.js';
import { type ColourName, colour } from './theme.js';

/** Something that took time. */
export interface TimelineSpan {
  /** Milliseconds since 1970, UTC. */
  readonly from: number;
  readonly to: number;
  readonly label: string;
  /** `work`: what the time is for, such as a stage. `other`: what had to be done besides. `bad`: it was lost. */
  readonly tone: 'work' | 'other' | 'bad';
}

/** Something that happened at a moment. */
export interface TimelineMark {
  /** Milliseconds since 1970, UTC. */
  readonly at: number;
  readonly kind: keyof typeof MARKS;
  readonly label: string;
}

/** What happened when, a row for each run, attempt or worker. */
export interface TimelinePlot {
  readonly title: string;
  readonly rows: readonly {
    readonly name: string;
    readonly spans: readonly TimelineSpan[];
    readonly marks?: readonly TimelineMark[] | undefined;
  }[];
}

/** Heights of a row and of its bar, and the most rows that are so high. */
const SIZES = [
  { row: 40, bar: 20, most: 12 },
  { row: 26, bar: 9, most: Infinity },
] as const;
const NAMES = { least: 40, widest: 150 };

/** Signs of moments, drawn around a place; each has its shape. */
const MARKS = {
  start: { d: 'm-4-6l9 6l-9 6z', fill: 'ink' },
  resume: { d: 'm-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z', fill: 'ink' },
  checkpoint: { d: 'm-4-4h8v8h-8z', fill: 'muted' },
  spike: { d: 'm0-6l6 11h-12z', fill: 'accent' },
  failure: { d: 'm-6-4l2-2l4 4l4-4l2 2l-4 4l4 4l-2 2l-4-4l-4 4l-2-2l4-4z', fill: 'accent' },
  end: { d: 'm0-6l6 6l-6 6l-6-6z', fill: 'ink' },
} as const satisfies Readonly<Record<string, { d: string; fill: ColourName }>>;

const TONES = { work: ['low-1', 'low-2'], other: ['even', 'even'], bad: ['high-2', 'high-2'] } as const;

/**
 * Attempts, stages, resumes, spikes and failures over time since the first of them; where a row has
 * no bar, nothing ran.
 *
 * @example
 * const svg = timelinePlot({
 *   title: 'Attempts',
 *   rows: [{
 *     name: 'attempt 1',
 *     spans: [{ from: Date.UTC(2026, 0, 1), to: Date.UTC(2026, 0, 1, 1), label: 'stage 1', tone: 'work' }],
 *     marks: [{ at: Date.UTC(2026, 0, 1, 0, 30), kind: 'spike', label: 'spike at step 40' }],
 *   }],
 * });
 */
export function timelinePlot({ title, rows }: TimelinePlot): string {
  const times = rows
    .flatMap(({ spans, marks = [] }) => [...spans.flatMap(({ from, to }) => [from, to]), ...marks.map(({ at }) => at)])
    .filter(Number.isFinite);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const kinds = (Object.keys(MARKS) as (keyof typeof MARKS)[]).filter((kind) =>
    rows.some(({ marks = [] }) => marks.some((mark) => mark.kind === kind)),
  );
  const widest = Math.max(0, ...rows.map(({ name }) => textWidth(name, FONT_SIZE)));
  const left = MARGIN + Math.max(NAMES.least, Math.min(NAMES.widest, widest + 12));
  const names = fitNames(
    rows.map(({ name }) => name),
    left - MARGIN - 8,
    FONT_SIZE,
  );
  const axis = durationAxis(times.length > 0 ? last - first : 0, [left, WIDTH - 28]);
  const top = TITLE_ROOM + LINE_ROOM + (kinds.length > 0 ? LINE_ROOM : 0) + 8;
  const { row: height, bar } = SIZES.find(({ most }) => rows.length <= most)!;
  const bottom = top + Math.max(1, rows.length) * height;
  return svgInline(
    { width: WIDTH, height: bottom + 52, title, description: describe(rows), kind: 'timeline' },
    heading(title, [times.length > 0 ? `from ${utc(first)}` : 'nothing has happened yet']),
    legend(kinds, TITLE_ROOM + LINE_ROOM + 10),
    axisBottom(axis, { y: bottom, label: 'time since the beginning', top }),
    ...rows.map((row, i) =>
      drawRow(row, axis, { first, left, bottom: top + (i + 1) * height - 4, bar, shown: names[i]! }),
    ),
  );
}

/** To the minute: seconds are read off the axis. */
const utc = (time: number): string => {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? '?' : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
};

function drawRow(
  { name, spans, marks = [] }: TimelinePlot['rows'][number],
  axis: Axis,
  { first, left, bottom, bar, shown }: { first: number; left: number; bottom: number; bar: number; shown: string },
): string {
  const middle = bottom - bar / 2;
  const bars = spans
    .filter(({ from, to }) => Number.isFinite(from) && Number.isFinite(to) && to >= from)
    .map((span, i) => {
      const [from, to] = [axis.placeOf(span.from - first), axis.placeOf(span.to - first)];
      const width = Math.max(1.5, to - from);
      const label = bar > FONT_SIZE ? fitText(span.label, width - 8, FONT_SIZE) : '';
      return element(
        'g',
        { 'data-value': span.label },
        titleElement(span.label),
        element('rect', {
          x: from,
          y: middle - bar / 2,
          width,
          height: bar,
          rx: 2,
          fill: colour(TONES[span.tone][i % 2]!),
          stroke: colour('muted'),
        }),
        label.length > 2 || label === span.label ? text(from + 4, middle + 5, label) : '',
      );
    });
  const signs = marks
    .filter(({ at }) => Number.isFinite(at))
    .map(({ at, kind, label }) =>
      element(
        'g',
        { 'data-value': label },
        titleElement(label),
        sign(kind, axis.placeOf(at - first), middle - bar / 2 - 3),
      ),
    );
  return [fittedText(MARGIN, middle + 5, name, { width: left - MARGIN - 8, shown }), ...bars, ...signs].join('');
}

const sign = (kind: keyof typeof MARKS, x: number, y: number): string =>
  element('path', {
    d: `M${rounded(x)} ${rounded(y)}${MARKS[kind].d}`,
    fill: colour(MARKS[kind].fill),
    stroke: colour('paper'),
  });

function legend(kinds: readonly (keyof typeof MARKS)[], y: number): string {
  let x = MARGIN + 6;
  return kinds
    .map((kind) => {
      const drawn = sign(kind, x, y - 5) + text(x + 12, y, kind, { fill: colour('muted') });
      x += 12 + textWidth(kind, FONT_SIZE) + 20;
      return drawn;
    })
    .join('');
}

/** So many of a row's events are named to those who hear the picture read; the table has them all. */
const MOST = 20;

const describe = (rows: TimelinePlot['rows']): string =>
  rows
    .slice(0, MOST)
    .map(({ name, spans, marks = [] }) => {
      const labels = [...spans, ...marks].map(({ label }) => label);
      const more = labels.length > MOST ? ` and ${labels.length - MOST} more` : '';
      return `${name}: ${labels.length > 0 ? labels.slice(0, MOST).join(', ') : 'nothing'}${more}.`;
    })
    .join(' ');
