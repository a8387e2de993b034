import { type Axis, areaData, axisBottom, axisLeft, axisRoom, linearAxis, scaleData } from './axis.js';
import { endLabels, labelHeight, labelRoom } from './end-labels.js';
import { heading, TITLE_ROOM } from './heading.js';
import { markers } from './marker.js';
import { shortNumber } from './numbers.js';
import { element, FONT_SIZE, line, MARGIN, rounded, svgInline, titleElement, WIDTH } from './svg.js';
import { fitNames } from './text-width.js';
import { colour, type SeriesLook, seriesLook } from './theme.js';

/** A figure with its interval. */
export interface PanelPoint {
  readonly value: number;
  /** Null where there are too few values for an interval. */
  readonly low: number | null;
  readonly high: number | null;
}

/** A figure over an axis of ordered names. */
export interface PanelPlot {
  readonly title: string;
  /** What the figure is, with its unit. */
  readonly label: string;
  /** What the columns are, such as `number of stages`. */
  readonly xLabel: string;
  /** In order, such as `2`, `3`, `4`; they are drawn at equal distances. */
  readonly columns: readonly string[];
  readonly series: readonly {
    readonly name: string;
    /** One for each column; null where there is none. */
    readonly points: readonly (PanelPoint | null)[];
    /** Number of its {@link seriesLook}. Default: its place in the list. */
    readonly look?: number | undefined;
  }[];
  /** A value that all are compared with, as a line across. */
  readonly reference?: { readonly value: number; readonly label: string } | undefined;
}

const HEIGHT = 220;
/** Look of the line that all are compared with. */
const ACROSS: SeriesLook = { colour: colour('ink'), dash: '4 3', marker: 'circle', open: false };
/** Widest distance of arms next to each other in a column. */
const APART = 14;

/**
 * A figure over an ordered axis, such as stage count, model size or scorer: a line for each arm with an interval at
 * each point, arms next to each other where they would cover each other.
 *
 * @example
 * const svg = panelPlot({
 *   title: 'Held-out loss by number of stages',
 *   label: 'nats a token',
 *   xLabel: 'stages',
 *   columns: ['2', '3'],
 *   series: [{ name: 'phased', points: [{ value: 2.1, low: 2.0, high: 2.2 }, null] }],
 * });
 */
export function panelPlot(plot: PanelPlot): string {
  const { title, label, xLabel, columns, series, reference } = plot;
  const top = TITLE_ROOM + 30;
  const bottom = top + Math.max(HEIGHT, labelHeight(series.length + 1));
  const y = axisOf(plot, [bottom, top]);
  const across = reference ? [{ name: reference.label, look: ACROSS, marked: false }] : [];
  const names = series.map(({ name, points }) => (points.some(isDrawn) ? name : `${name}: no values`));
  const [left, right] = [MARGIN + axisRoom(y), WIDTH - labelRoom([...names, ...across.map(({ name }) => name)])];
  const width = (right - left) / Math.max(1, columns.length);
  const apart = Math.min(APART, width / (series.length + 1));
  const place = (column: number, index: number) =>
    left + (column + 0.5) * width + (index - (series.length - 1) / 2) * apart;
  const drawn = series.map(({ points, look }, i) => ({
    look: seriesLook(look ?? i),
    places: points
      .slice(0, columns.length)
      .map((point, k) => (isDrawn(point) ? { point, x: place(k, i), column: k } : null)),
  }));
  const ends = endLabels(
    [
      ...drawn.map(({ look, places }, i) => {
        const last = places.findLast((at) => at !== null);
        return { name: names[i]!, look, end: last && ([last.x, y.placeOf(last.point.value)] as const) };
      }),
      ...across.map((one) => ({ ...one, end: [right, y.placeOf(reference!.value)] as const })),
    ],
    { right, top, bottom },
  );
  return svgInline(
    {
      width: WIDTH,
      height: bottom + 52,
      title,
      description: describe(plot),
      kind: 'panel',
      data: { 'data-y': scaleData(y), 'data-area': areaData([left, top, right, bottom]) },
    },
    heading(title),
    axisLeft(y, { x: left, label, right }),
    axisBottom(namesAxis(columns, [left, right]), { y: bottom, label: xLabel }),
    reference ? referenceLine(reference.value, y, [left, right]) + ends.at(-1)! : '',
    ...drawn.map(({ look, places }, i) => {
      const parts = drawPoints({ name: series[i]!.name, columns, look }, places, y);
      return element('g', { 'data-series': series[i]!.name }, ...parts, ends[i]!);
    }),
  );
}

const isDrawn = (point: PanelPoint | null | undefined): point is PanelPoint =>
  point !== null && point !== undefined && Number.isFinite(point.value);

function axisOf({ series, reference }: PanelPlot, range: readonly [number, number]): Axis {
  const points = series.flatMap((one) => one.points.filter(isDrawn));
  const values = points.flatMap(({ value, low, high }) => [value, low ?? value, high ?? value]);
  const all = [...values, ...(reference ? [reference.value] : [])].filter(Number.isFinite);
  return linearAxis(all.length > 0 ? [Math.min(...all), Math.max(...all)] : [0, 1], range, { count: 5 });
}

/** Names in the middle of columns of equal width. */
function namesAxis(columns: readonly string[], range: readonly [number, number]): Axis {
  const width = (range[1] - range[0]) / Math.max(1, columns.length);
  return {
    placeOf: (column) => range[0] + (column + 0.5) * width,
    valueAt: (at) => Math.floor((at - range[0]) / width),
    log: false,
    range,
    marks: fitNames(columns, width - 10, FONT_SIZE).map((label, value) => ({ value, label })),
  };
}

const referenceLine = (value: number, y: Axis, [left, right]: readonly [number, number]): string =>
  line(left, y.placeOf(value), right, y.placeOf(value), { stroke: ACROSS.colour, 'stroke-dasharray': ACROSS.dash });

function drawPoints(
  { name, columns, look }: { name: string; columns: readonly string[]; look: SeriesLook },
  places: readonly ({ readonly point: PanelPoint; readonly x: number; readonly column: number } | null)[],
  y: Axis,
): string[] {
  const drawn = places.filter((at) => at !== null);
  const runs = places
    .map((at, i) => at && `${places[i - 1] ? 'L' : 'M'}${rounded(at.x)} ${rounded(y.placeOf(at.point.value))}`)
    .filter((part) => part !== null);
  const stroke = { fill: 'none', stroke: look.colour, 'stroke-width': 2 };
  return [
    runs.length > 1 ? element('path', { d: runs.join(''), ...stroke, 'stroke-dasharray': look.dash }) : '',
    ...drawn.map(({ point, x, column }) => {
      const { value, low, high } = point;
      const range = low === null || high === null ? '' : `, ${shortNumber(low)} to ${shortNumber(high)}`;
      const words = `${name}, ${columns[column]}: ${shortNumber(value)}${range}`;
      const ends = low === null || high === null ? undefined : [y.placeOf(low), y.placeOf(high)].map(rounded);
      return element(
        'g',
        { 'data-value': words },
        titleElement(words),
        ends ? element('path', { d: `M${rounded(x - 4)} ${ends[0]}h8m-4 0V${ends[1]}m-4 0h8`, ...stroke }) : '',
        markers(look, [[x, y.placeOf(value)]]),
      );
    }),
  ];
}

const describe = ({ columns, series }: PanelPlot): string =>
  series
    .map(({ name, points }) => {
      const known = columns.flatMap((column, i) => {
        const point = points[i];
        return isDrawn(point) ? [`${column} ${shortNumber(point.value)}`] : [];
      });
      return `${name}: ${known.length > 0 ? known.join(', ') : 'no values'}.`;
    })
    .join(' ');
