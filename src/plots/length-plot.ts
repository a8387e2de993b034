import { formatCount } from '../telemetry/format.js';
import { axisBottom, axisLeft, linearAxis } from './axis.js';
import { element, line, STYLE, svgDocument, text } from './svg.js';

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

const SIZE = { width: 560, height: 420 };
const PLOT = { left: 72, right: 540, top: 92, bottom: 352 };
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
 */
export function lengthPlot({ title, subtitle, label, pairs, fitted }: LengthPlot): string {
  const sorted = pairs.toSorted((x, y) => x.longerBy - y.longerBy);
  const tail = Math.floor(TAIL * sorted.length);
  const [low, high] = [sorted[tail]!.longerBy, sorted.at(-1 - tail)!.longerBy];
  const x = linearAxis([Math.min(low, 0), Math.max(high, 0)], [PLOT.left, PLOT.right], { count: 6 });
  const y = linearAxis([0, 100], [PLOT.bottom, PLOT.top], { count: 5 });
  const inside = (place: number) => Math.max(PLOT.left, Math.min(PLOT.right, place));
  const groups = lengthGroups(sorted);
  const dots = groups.map(({ longerBy, score, n }) =>
    element('circle', {
      cx: inside(x.placeOf(longerBy)),
      cy: y.placeOf(score),
      r: Math.min(9, 3 + Math.sqrt(n) / 2),
      fill: STYLE.stages[3],
      stroke: '#ffffff',
      'stroke-width': 1.5,
    }),
  );
  const ticks = sorted.map(({ longerBy }) => {
    const place = inside(x.placeOf(longerBy));
    return line(place, PLOT.bottom - 7, place, PLOT.bottom, { stroke: STYLE.bar, 'stroke-opacity': 0.35 });
  });
  const zero = x.placeOf(0);
  return svgDocument(
    { ...SIZE, title, description: subtitle },
    text(14, 30, title, { 'font-size': 18, 'font-weight': 600 }),
    text(14, 52, subtitle, { fill: STYLE.muted, 'font-size': 14 }),
    text(14, 74, `dots: mean of ${formatCount(groups[0]!.n)} pairs${fitted ? '; line: fit' : ''}`, {
      fill: STYLE.muted,
      'font-size': 13,
    }),
    axisLeft(y, { x: PLOT.left, label: 'score of the arm, %', right: PLOT.right }),
    line(zero, PLOT.top, zero, PLOT.bottom, { stroke: STYLE.muted, 'stroke-dasharray': '4 3' }),
    line(PLOT.left, y.placeOf(50), PLOT.right, y.placeOf(50), { stroke: STYLE.ink, 'stroke-dasharray': '4 3' }),
    ...ticks,
    ...(fitted ? [curve(x.placeOf, y.placeOf, fitted, [low, high])] : []),
    ...dots,
    axisBottom(x, { y: PLOT.bottom, label }),
  );
}

/** Means of pairs of similar difference, which are the dots. `sorted`: by difference, the smallest first. */
export function lengthGroups(sorted: LengthPlot['pairs']): { longerBy: number; score: number; n: number }[] {
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
    return `${placeX(at).toFixed(1)},${placeY(fitted(at)).toFixed(1)}`;
  });
  return element('polyline', { points: points.join(' '), fill: 'none', stroke: STYLE.accent, 'stroke-width': 2 });
}
