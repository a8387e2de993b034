import { axisBottom, linearAxis } from './axis.js';
import { element, line, STYLE, svgDocument, text } from './svg.js';

/** A value in percent with its interval, to be drawn as a dot on a line. */
export interface DrawnInterval {
  readonly name: string;
  /** Null: nothing is drawn, and the name says so. */
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** `sure`: the interval leaves out 50. `open`: it does not. `faint`: the figure answers nothing. */
  readonly look: 'sure' | 'open' | 'faint';
}

/** Intervals under headings, around a line at 50 %. */
export interface IntervalPlot {
  readonly title: string;
  readonly subtitle: string;
  /** What the axis shows. */
  readonly label: string;
  readonly groups: readonly { readonly heading?: string | undefined; readonly intervals: readonly DrawnInterval[] }[];
}

const WIDTH = 560;
const LEFT = 150;
const RIGHT = 420;
const TOP = 84;
const ROW = 30;
const HEADING = 28;
/** Characters of a name that fit beside the plot. */
const LONGEST = 17;
/** Least distance of the ends of the axis from 50, in points. */
const LEAST = 10;

/**
 * Rates with their intervals, one below the other, with a line at 50 %: what lies wholly on one side is filled. Wide
 * enough to be read at 400 pixels.
 *
 * @example
 * const svg = intervalPlot({
 *   title: 'Win rates',
 *   subtitle: 'against base, 95 % intervals',
 *   label: 'win rate, %',
 *   groups: [{ intervals: [{ name: 'phased', value: 58, low: 54, high: 62, look: 'sure' }] }],
 * });
 */
export function intervalPlot({ title, subtitle, label, groups }: IntervalPlot): string {
  const ends = groups.flatMap(({ intervals }) => intervals.flatMap(({ value, low, high }) => [value, low, high]));
  const known = ends.filter((end) => end !== null);
  const reach = Math.max(LEAST, ...known.map((end) => Math.abs(end - 50)));
  const axis = linearAxis([Math.max(0, 50 - reach), Math.min(100, 50 + reach)], [LEFT, RIGHT], { count: 5 });
  const drawn: string[] = [];
  let y = TOP;
  for (const { heading, intervals } of groups) {
    if (heading !== undefined) {
      drawn.push(text(14, y + 19, fitted(heading, 60), { 'font-size': 14, 'font-weight': 600 }));
      y += HEADING;
    }
    for (const interval of intervals) {
      drawn.push(...drawInterval(interval, axis.placeOf, y + ROW / 2));
      y += ROW;
    }
  }
  const middle = axis.placeOf(50);
  return svgDocument(
    { width: WIDTH, height: y + 66, title, description: description(groups) },
    text(14, 30, title, { 'font-size': 18, 'font-weight': 600 }),
    text(14, 54, subtitle, { fill: STYLE.muted, 'font-size': 14 }),
    axisBottom(axis, { y: y + 6, label, top: TOP - 6 }),
    line(middle, TOP - 6, middle, y + 6, { stroke: STYLE.ink, 'stroke-dasharray': '4 3' }),
    ...drawn,
  );
}

const shown = (value: number) => value.toFixed(1);

const description = (groups: IntervalPlot['groups']): string =>
  groups
    .flatMap(({ heading, intervals }) =>
      intervals.map(({ name, value, low, high }) => {
        const what = heading === undefined ? name : `${heading}, ${name}`;
        if (value === null) return `${what}: no verdict.`;
        return `${what}: ${shown(value)}${low === null || high === null ? '' : `, ${shown(low)} to ${shown(high)}`}.`;
      }),
    )
    .join(' ');

const fitted = (name: string, longest = LONGEST): string =>
  name.length > longest ? `${name.slice(0, longest - 1)}…` : name;

function drawInterval(
  { name, value, low, high, look }: DrawnInterval,
  placeOf: (value: number) => number,
  y: number,
): string[] {
  const colour = look === 'faint' ? STYLE.muted : look === 'sure' ? STYLE.stages[3] : STYLE.stages[2];
  const label = text(LEFT - 12, y + 5, fitted(name), { 'text-anchor': 'end', 'font-size': 14 });
  if (value === null) return [label, text(LEFT + 6, y + 5, 'no verdict', { fill: STYLE.muted, 'font-size': 13 })];
  const whiskers =
    low === null || high === null
      ? []
      : [
          line(placeOf(low), y, placeOf(high), y, {
            stroke: colour,
            'stroke-width': 3,
            'stroke-linecap': 'round',
            'stroke-dasharray': look === 'faint' ? '1 6' : undefined,
          }),
        ];
  const dot = { cx: placeOf(value), cy: y, r: 6, stroke: colour, 'stroke-width': 2.5 };
  const range = low === null || high === null ? '' : `${shown(low)}–${shown(high)}`;
  return [
    label,
    ...whiskers,
    element('circle', { ...dot, fill: look === 'sure' ? colour : '#ffffff' }),
    text(RIGHT + 10, y + 5, shown(value), { 'font-size': 13, 'font-weight': 600 }),
    text(RIGHT + 52, y + 5, range, { fill: STYLE.muted, 'font-size': 12 }),
  ];
}
