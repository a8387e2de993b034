import { type Axis, areaData, axisBottom, axisLeft, axisRoom, linearAxis, logAxis, scaleData } from './axis.js';
import { endLabels, labelHeight, labelRoom } from './end-labels.js';
import { heading, TITLE_ROOM } from './heading.js';
import { markers } from './marker.js';
import { shortNumber } from './numbers.js';
import { stageMarks } from './stage-marks.js';
import { element, MARGIN, svgInline, text, titleElement, WIDTH } from './svg.js';
import { colour, type SeriesLook, seriesLook } from './theme.js';
import { type Point, thinOut } from './thin-out.js';

/** A curve with its name. */
export interface LineSeries {
  readonly name: string;
  /** Sorted by x. Null and numbers that are not finite leave a gap, which is marked. */
  readonly points: readonly (readonly [x: number, y: number | null])[];
  /** A range at each place, such as a pointwise interval; shaded. */
  readonly band?: readonly (readonly [x: number, low: number, high: number])[] | undefined;
  /** Number of its {@link seriesLook}. Default: its place in the list. An arm has the same in every picture. */
  readonly look?: number | undefined;
}

/** Curves over one axis. */
export interface LinePlot {
  readonly title: string;
  /** What y is, with its unit. */
  readonly label: string;
  /** What x is, with its unit. */
  readonly xLabel: string;
  readonly series: readonly LineSeries[];
  /** Places along x with a thin line and a label, such as where a stage begins. */
  readonly marks?: readonly { readonly x: number; readonly label: string }[] | undefined;
  /** Logarithmic axes; values that are not positive leave gaps there. Default: false. */
  readonly logX?: boolean | undefined;
  readonly logY?: boolean | undefined;
  /** Vertices of a curve, at most. Default: 400. */
  readonly most?: number | undefined;
  /** What there is to see, for those who hear the picture read. Default: where each curve begins and ends. */
  readonly description?: string | undefined;
}

const HEIGHT = 230;
/** Right end of a plot without labels beside it. */
const ALONE = WIDTH - 30;

/**
 * Curves, such as losses over trained tokens: at most 400 points each, chosen by {@link thinOut} so that spikes stay,
 * with names at the ends of the lines.
 *
 * @example
 * const svg = linePlot({
 *   title: 'Training loss',
 *   label: 'loss, nats a token',
 *   xLabel: 'trained tokens',
 *   series: [{ name: 'phased', points: [[0, 2.4], [1000, 2.1], [2000, 1.9]] }],
 *   marks: [{ x: 1000, label: 'stage 2' }],
 * });
 */
export function linePlot(plot: LinePlot): string {
  const { title, label, xLabel, series, marks = [] } = plot;
  const top = TITLE_ROOM + 30 + (marks.length > 0 ? 22 : 0);
  const bottom = top + Math.max(HEIGHT, labelHeight(series.length));
  const prepared = series.map((one, i) => prepare(one, one.look ?? i, plot));
  const limits = bandLimits(prepared, plot.logY);
  const drawn = prepared.map((one) => cutBand(one, limits));
  const isCut = drawn.some(({ outline }, i) => outline !== prepared[i]!.outline);
  const y = axisOf(
    drawn.flatMap(({ runs, outline }) => [...runs.flat(), ...outline].map(([, value]) => value)),
    [bottom, top],
    plot.logY,
    // What is cut is cut at the edge.
    !isCut,
  );
  // The title is the name of a curve that is alone and called so.
  const named = drawn.length !== 1 || labelOf(drawn[0]!).toLowerCase() !== title.toLowerCase();
  const [left, right] = [MARGIN + axisRoom(y), named ? WIDTH - labelRoom(drawn.map(labelOf)) : ALONE];
  const xs = drawn.flatMap(({ runs, gaps, outline }) => [...[...runs.flat(), ...outline].map(([x]) => x), ...gaps]);
  const inside = marks.map(({ x }) => x).filter((x) => Number.isFinite(x) && (!plot.logX || x > 0));
  const x = axisOf([...xs, ...inside], [left, right], plot.logX, false);
  const area = { left, right, top, bottom };
  const labels = drawn.map((one) => {
    const { look, runs } = one;
    const last = runs.at(-1)?.at(-1);
    return { name: labelOf(one), look, end: last && ([x.placeOf(last[0]), y.placeOf(last[1])] as const) };
  });
  const ends = named ? endLabels(labels, area) : [''];
  return svgInline(
    {
      width: WIDTH,
      height: bottom + (isCut ? 74 : 52),
      title,
      description: plot.description ?? describe(drawn),
      kind: 'line',
      data: {
        'data-x': scaleData(x),
        'data-y': scaleData(y),
        'data-area': areaData([left, top, right, bottom]),
      },
    },
    heading(title),
    axisLeft(y, { x: left, label, right, above: marks.length > 0 ? 22 : 0 }),
    axisBottom(x, { y: bottom, label: xLabel }),
    isCut ? text(MARGIN, bottom + 62, CUT, { fill: colour('muted') }) : '',
    stageMarks(
      marks.map(({ x: at, label: name }) => ({ place: x.placeOf(at), label: name })),
      area,
    ),
    ...drawn.map((one, i) => drawSeries(one, { x, y, index: drawn.length > 1 ? i : undefined, ends: ends[i]! })),
  );
}

/** A series ready to be drawn: runs of points without gaps, thinned out. */
interface Drawn {
  readonly name: string;
  readonly look: SeriesLook;
  readonly runs: readonly (readonly Point[])[];
  /** x of values that cannot be drawn. */
  readonly gaps: readonly number[];
  /** The outline of its band: the upper edge, then the lower one backwards. */
  readonly outline: readonly Point[];
  /** Points before they were thinned out. */
  readonly count: number;
}

function prepare({ name, points, band = [] }: LineSeries, look: number, { logX, logY, most = 400 }: LinePlot): Drawn {
  const usable = (value: number | null, log: boolean | undefined): value is number =>
    value !== null && Number.isFinite(value) && (!log || value > 0);
  const runs: Point[][] = [];
  const gaps: number[] = [];
  let open = false;
  for (const [x, y] of points) {
    if (!usable(x, logX)) continue;
    if (!usable(y, logY)) {
      gaps.push(x);
      open = false;
    } else if (open) runs.at(-1)!.push([x, y]);
    else {
      runs.push([[x, y]]);
      open = true;
    }
  }
  const count = runs.reduce((sum, run) => sum + run.length, 0);
  // Runs so many that two points of each are too many: some of them.
  const step = Math.ceil((2 * runs.length) / most);
  const some = runs.filter((_, i) => (runs.length - 1 - i) % step === 0);
  const shares = some.map((run) => thinOut(run, Math.max(2, Math.floor((most * run.length) / count))));
  const whole = band.filter(([x, low, high]) => usable(x, logX) && usable(low, logY) && usable(high, logY));
  const upper = thinOut(
    whole.map(([x, , high]) => [x, high]),
    most / 2,
  );
  const lower = thinOut(
    whole.map(([x, low]) => [x, low]),
    most / 2,
  );
  return { name, look: seriesLook(look), runs: shares, gaps, outline: [...upper, ...lower.toReversed()], count };
}

const CUT = 'The shading continues beyond the edge.';

/**
 * How far bands may go: half as far from the curves as these reach, since the band of two runs
 * would squeeze all curves into one line.
 */
function bandLimits(drawn: readonly Drawn[], log = false): readonly [low: number, high: number] {
  const [to, from] = log ? [Math.log, Math.exp] : [Number, Number];
  const values = drawn.flatMap(({ runs }) => runs.flat().map(([, value]) => to(value)));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return high > low ? [from(low - (high - low) / 2), from(high + (high - low) / 2)] : [-Infinity, Infinity];
}

/** The series with the band within limits; the same object where it is there already. */
function cutBand(drawn: Drawn, [low, high]: readonly [number, number]): Drawn {
  if (drawn.outline.every(([, value]) => value >= low && value <= high)) return drawn;
  return { ...drawn, outline: drawn.outline.map(([x, value]) => [x, Math.max(low, Math.min(high, value))]) };
}

function axisOf(values: readonly number[], range: readonly [number, number], log = false, round = true): Axis {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (log) return logAxis(low <= high ? [low, high] : [1, 10], range);
  if (low === high) [low, high] = [low - Math.max(0.5, Math.abs(low) / 10), high + Math.max(0.5, Math.abs(high) / 10)];
  return linearAxis(low <= high ? [low, high] : [0, 1], range, { count: 5, rounded: round });
}

const labelOf = ({ name, runs }: Drawn) => (runs.length > 0 ? name : `${name}: no values`);

/** Absolute start, then relative steps of whole tenths: the shortest way to write a curve. */
function pathOf(run: readonly Point[], x: Axis, y: Axis): string {
  const tenths = run.map(([a, b]) => [Math.round(x.placeOf(a) * 10), Math.round(y.placeOf(b) * 10)] as const);
  const steps = tenths.slice(1).map(([a, b], i) => {
    const [dx, dy] = [(a - tenths[i]![0]) / 10, (b - tenths[i]![1]) / 10];
    return `${short(dx)}${dy < 0 ? '' : ' '}${short(dy)}`;
  });
  const joined = steps.map((step, i) => (i === 0 || step.startsWith('-') ? step : ` ${step}`)).join('');
  return `M${tenths[0]![0] / 10} ${tenths[0]![1] / 10}${joined === '' ? '' : `l${joined}`}`;
}

const short = (value: number) => String(value).replace(/^(-?)0\./, '$1.');

/** Up to so many points have a marker each; of more, one in so many pixels where there are other curves. */
const FEW = 12;
const SPACING = 70;

function markerPlaces({ runs, count }: Drawn, x: Axis, y: Axis, index: number | undefined): Point[] {
  const places = runs.flat().map(([a, b]) => [x.placeOf(a), y.placeOf(b)] as const);
  if (count <= FEW) return places;
  const kept: Point[] = [];
  if (index === undefined) return kept;
  let next = x.range[0] + SPACING * (0.35 + (index % 4) / 4);
  for (const place of places) {
    if (place[0] < next) continue;
    kept.push(place);
    next = place[0] + SPACING;
  }
  return kept;
}

/** A series; `index` is undefined where it is alone, so that it needs no marker. */
function drawSeries(
  drawn: Drawn,
  { x, y, index, ends }: { x: Axis; y: Axis; index: number | undefined; ends: string },
): string {
  const { name, look, runs, gaps, outline } = drawn;
  // A point alone between gaps is a dot: a line of no length with round ends.
  const dots = runs.filter((run) => run.length === 1).map((run) => `${pathOf(run, x, y)}h0`);
  const curve = runs.map((run) => pathOf(run, x, y)).join('');
  return element(
    'g',
    { 'data-series': name },
    outline.length > 0
      ? element('path', { d: `${pathOf(outline, x, y)}z`, fill: look.colour, 'fill-opacity': 0.15 })
      : '',
    curve === ''
      ? ''
      : element('path', {
          d: curve,
          fill: 'none',
          stroke: look.colour,
          'stroke-width': 2,
          'stroke-linejoin': 'round',
          'stroke-dasharray': look.dash,
          'data-curve': '',
        }),
    dots.length > 0
      ? element('path', { d: dots.join(''), stroke: look.colour, 'stroke-width': 5, 'stroke-linecap': 'round' })
      : '',
    markers(look, markerPlaces(drawn, x, y, index)),
    drawGaps(gaps, look, x, y),
    ends,
  );
}

/** Crosses at the top where values are missing or not finite; those too near to be distinguished are one. */
function drawGaps(gaps: readonly number[], look: SeriesLook, x: Axis, y: Axis): string {
  if (gaps.length === 0) return '';
  const places = [...new Set(gaps.map((at) => Math.round(x.placeOf(at) / 8) * 8))];
  const d = places.map((at) => `M${at - 4} ${y.range[1] + 2}l8 8m0-8l-8 8`).join('');
  const words = `${gaps.length} without a finite value`;
  return element(
    'g',
    { 'data-value': words },
    titleElement(words),
    element('path', { d, stroke: look.colour, 'stroke-width': 2 }),
  );
}

const describe = (drawn: readonly Drawn[]): string =>
  drawn
    .map(({ name, runs, gaps }) => {
      const [first, last] = [runs[0]?.[0], runs.at(-1)?.at(-1)];
      const missing = gaps.length > 0 ? `; ${gaps.length} without a finite value` : '';
      if (!first || !last) return `${name}: no values${missing}.`;
      return `${name}: from ${shortNumber(first[1])} to ${shortNumber(last[1])}${missing}.`;
    })
    .join(' ');
