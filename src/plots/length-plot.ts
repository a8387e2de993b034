import { formatCount } from '../telemetry/format.js';
import { areaData, axisBottom, axisLeft, linearAxis, scaleData } from './axis.js';
import { heading } from './heading.js';
import { element, line, rounded, svgInline, titleElement, WIDTH } from './svg.js';
import { colour } from './theme.js';

/** Differences in length against scores. */
export interface LengthPlot {
  readonly title: string;
  readonly subtitle: string;
  /** What the difference is of. */
  readonly label: string;
  /** Difference in length of each pair, and the arm's score in percent. */
  readonly pairs: readonly { readonly longerBy: number; readonly score: number }[];
  /** The fitted score in percent at a difference; undefined where there is no fit. */
  readonly fitted?: ((longerBy: number) => number) | undefined;
}

const HEIGHT = 420;
const PLOT = { left: 52, right: 540, top: 108, bottom: 366 };
/** Groups of pairs with one dot each; fewer where there are few pairs. */
const GROUPS = 12;
const LEAST_GROUP = 8;
const CURVE = 60;
/** Share of pairs at each end that may be beyond the picture. */
const TAIL = 0.01;

/**
 * How a judge's verdicts go with the difference in length: a dot for each twelfth of the pairs at
 * their mean score, as large as they are many, ticks for the pairs themselves, and the fitted
 * curve. If the dots lie on a rising line, length decides. Pairs: at least one.
 *
 * @example
 * const svg = lengthPlot({
 *   title: 'Length against verdict: phased',
 *   subtitle: 'win rate at equal length 52.0 %',
 *   label: 'characters more than base',
 *   pairs: [{ longerBy: -20, score: 0 }, { longerBy: 35, score: 100 }],
 * });
 */
export function lengthPlot({ title, subtitle, label, pairs, fitted }: LengthPlot): string {
  const sorted = pairs.toSorted((x, y) => x.longerBy - y.longerBy);
  const tail = Math.floor(TAIL * sorted.length);
  const [low, high] = [sorted[tail]!.longerBy, sorted.at(-1 - tail)!.longerBy];
  const x = linearAxis([Math.min(low, 0), Math.max(high, 0)], [PLOT.left, PLOT.right], { count: 6 });
  const y = linearAxis([0, 100], [PLOT.bottom, PLOT.top], { count: 5 });
  const inside = (place: number) => Math.max(PLOT.left, Math.min(PLOT.right, place));
  const groups = lengthGroups(sorted);
  const zero = x.placeOf(0);
  const half = y.placeOf(50);
  return svgInline(
    {
      width: WIDTH,
      height: HEIGHT,
      title,
      description: subtitle,
      kind: 'length',
      data: {
        'data-x': scaleData(x),
        'data-y': scaleData(y),
        'data-area': areaData([PLOT.left, PLOT.top, PLOT.right, PLOT.bottom]),
      },
    },
    heading(title, [subtitle, `dots: mean of ${formatCount(groups[0]!.n)} pairs${fitted ? '; line: fit' : ''}`]),
    axisLeft(y, { x: PLOT.left, label: 'score of the arm, %', right: PLOT.right }),
    line(zero, PLOT.top, zero, PLOT.bottom, { stroke: colour('muted'), 'stroke-dasharray': '4 3' }),
    line(PLOT.left, half, PLOT.right, half, { stroke: colour('ink'), 'stroke-dasharray': '4 3' }),
    ticks(sorted.map(({ longerBy }) => inside(x.placeOf(longerBy)))),
    fitted ? curve(x.placeOf, y.placeOf, fitted, [low, high]) : '',
    ...groups.map((group) => dot(group, inside(x.placeOf(group.longerBy)), y.placeOf(group.score))),
    axisBottom(x, { y: PLOT.bottom, label }),
  );
}

/** A tick for each pair, those at one place as one; darker where there are more. */
function ticks(places: readonly number[]): string {
  const counts = new Map<number, number>();
  for (const place of places) counts.set(Math.round(place), (counts.get(Math.round(place)) ?? 0) + 1);
  const strengths = [0.4, 0.65, 0.9];
  return strengths
    .map((opacity, i) => {
      const drawn = [...counts].filter(([, count]) => Math.min(strengths.length, count) === i + 1);
      const d = drawn.map(([place]) => `M${place} ${PLOT.bottom - 8}v8`).join('');
      return d === '' ? '' : element('path', { d, stroke: colour('bar'), 'stroke-opacity': opacity });
    })
    .join('');
}

interface Group {
  readonly longerBy: number;
  readonly score: number;
  readonly n: number;
}

function dot({ longerBy, score, n }: Group, cx: number, cy: number): string {
  const words = `${formatCount(n)} pairs, ${formatCount(Math.round(longerBy))} longer: ${score.toFixed(1)} %`;
  const r = Math.min(9, 3 + Math.sqrt(n) / 2);
  return element(
    'g',
    { 'data-value': words },
    titleElement(words),
    element('circle', { cx, cy, r, fill: colour('step-4'), stroke: colour('paper'), 'stroke-width': 1.5 }),
  );
}

/** Means of pairs of similar difference, which are the dots. `sorted`: by difference, the smallest first. */
export function lengthGroups(sorted: LengthPlot['pairs']): Group[] {
  const count = Math.max(1, Math.min(GROUPS, Math.floor(sorted.length / LEAST_GROUP)));
  return Array.from({ length: count }, (_, i) => {
    const part = sorted.slice(Math.round((i * sorted.length) / count), Math.round(((i + 1) * sorted.length) / count));
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      longerBy: mean(part.map(({ longerBy }) => longerBy)),
      score: mean(part.map(({ score }) => score)),
      n: part.length,
    };
  });
}

function curve(
  placeX: (value: number) => number,
  placeY: (value: number) => number,
  fitted: (longerBy: number) => number,
  [low, high]: readonly [number, number],
): string {
  const points = Array.from({ length: CURVE + 1 }, (_, i) => {
    const at = low + ((high - low) * i) / CURVE;
    return `${rounded(placeX(at))},${rounded(placeY(fitted(at)))}`;
  });
  return element('polyline', { points: points.join(' '), fill: 'none', stroke: colour('accent'), 'stroke-width': 2 });
}
