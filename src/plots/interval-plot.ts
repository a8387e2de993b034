import { areaData, axisBottom, linearAxis, scaleData } from './axis.js';
import { fittedText, heading, LINE_ROOM, TITLE_ROOM } from './heading.js';
import { element, line, MARGIN, svgInline, text, titleElement, WIDTH } from './svg.js';
import { colour } from './theme.js';

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

const LEFT = 156;
const RIGHT = 410;
const ROW = 30;
const HEADING = 28;
/** Least distance of the ends of the axis from 50, in points. */
const LEAST = 10;

/**
 * Rates with their intervals, one below the other, with a line at 50 %: what lies wholly on one side is filled.
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
  const top = TITLE_ROOM + LINE_ROOM + 16;
  let y = top;
  for (const { heading: name, intervals } of groups) {
    if (name !== undefined) {
      drawn.push(fittedText(MARGIN, y + 19, name, { width: WIDTH - 2 * MARGIN, bold: true }));
      y += HEADING;
    }
    for (const interval of intervals) {
      drawn.push(drawInterval(interval, axis.placeOf, y + ROW / 2));
      y += ROW;
    }
  }
  const middle = axis.placeOf(50);
  return svgInline(
    {
      width: WIDTH,
      height: y + 60,
      title,
      description: description(groups),
      kind: 'intervals',
      data: { 'data-x': scaleData(axis), 'data-area': areaData([LEFT, top, RIGHT, y]) },
    },
    heading(title, [subtitle]),
    axisBottom(axis, { y: y + 6, label, top: top - 6 }),
    line(middle, top - 6, middle, y + 6, { stroke: colour('ink'), 'stroke-dasharray': '4 3' }),
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

function drawInterval(
  { name, value, low, high, look }: DrawnInterval,
  placeOf: (value: number) => number,
  y: number,
): string {
  const label = fittedText(LEFT - 12, y + 5, name, { width: LEFT - 12 - MARGIN, 'text-anchor': 'end' });
  if (value === null) return label + text(LEFT + 6, y + 5, 'no verdict', { fill: colour('muted') });
  const stroke = colour(look === 'faint' ? 'muted' : look === 'sure' ? 'step-4' : 'step-2');
  const range = low === null || high === null ? '' : `${shown(low)}–${shown(high)}`;
  const words = `${name}: ${shown(value)}${range && `, ${range}`}`;
  const whisker =
    low === null || high === null
      ? ''
      : line(placeOf(low), y, placeOf(high), y, {
          stroke,
          'stroke-width': 3,
          'stroke-linecap': 'round',
          'stroke-dasharray': look === 'faint' ? '1 6' : undefined,
        });
  const fill = look === 'sure' ? stroke : colour('paper');
  return element(
    'g',
    { 'data-value': words },
    titleElement(words),
    label,
    whisker,
    element('circle', { cx: placeOf(value), cy: y, r: 6, stroke, 'stroke-width': 2.5, fill }),
    text(RIGHT + 10, y + 5, shown(value), { 'font-weight': 600 }),
    text(RIGHT + 52, y + 5, range, { fill: colour('muted') }),
  );
}
