import { areaData, axisBottom, linearAxis, scaleData } from './axis.js';
import { fittedText, heading, LINE_ROOM, TITLE_ROOM } from './heading.js';
import { markers } from './marker.js';
import { digitsFor, shortNumber, signed } from './numbers.js';
import { element, FONT_SIZE, line, MARGIN, rounded, svgInline, text, titleElement, WIDTH } from './svg.js';
import { fitNames, fitText, textWidth } from './text-width.js';
import { colour, type SeriesLook, seriesLook } from './theme.js';

/** How far an arm is from the control. */
export interface DrawnDifference {
  readonly name: string;
  /** Mean difference from the control; null where there is none yet. */
  readonly difference: number | null;
  /** Ends of its interval; null where there are too few values for one. */
  readonly low: number | null;
  readonly high: number | null;
  /** Differences of single seeds or splits, a dot each. */
  readonly values: readonly { readonly name: string; readonly value: number }[];
  /** What is made of it, such as `not distinguishable`; written below the name. */
  readonly verdict?: string | undefined;
  /** Number of its {@link seriesLook}. Default: its place in the list. */
  readonly look?: number | undefined;
}

/** Differences of arms from a control. */
export interface DifferencePlot {
  readonly title: string;
  /** What the intervals are, such as `95 % intervals, adjusted for 3 comparisons`. */
  readonly subtitle?: string | undefined;
  /** What the difference is of, with its unit. */
  readonly label: string;
  /** Name of what the arms are compared with. */
  readonly control: string;
  /** Differences of this size or less do not matter; shaded. */
  readonly margin?: number | undefined;
  /** Which way is better. */
  readonly better: 'lower' | 'higher';
  readonly arms: readonly DrawnDifference[];
}

const ROW = 56;
const NAMES = { least: 70, widest: 160 };
/** Room for the figures to the right. */
const FIGURES = 150;

/**
 * Differences from the control below each other: a marker with its interval, a dot for each seed below it, a line at
 * zero, and the margin within which a difference does not matter shaded.
 *
 * @example
 * const svg = differencePlot({
 *   title: 'Held-out loss against one-off',
 *   label: 'difference in nats a token',
 *   control: 'one-off',
 *   margin: 0.01,
 *   better: 'lower',
 *   arms: [{
 *     name: 'phased', difference: -0.012, low: -0.02, high: -0.004,
 *     values: [{ name: 'seed 1', value: -0.01 }, { name: 'seed 2', value: -0.014 }],
 *   }],
 * });
 */
export function differencePlot(plot: DifferencePlot): string {
  const { title, subtitle, label, control, margin, better } = plot;
  const arms = plot.arms.map(withoutBroken);
  const widest = Math.max(0, ...arms.map(widthOf));
  const left = MARGIN + Math.max(NAMES.least, Math.min(NAMES.widest, widest + 14));
  const right = WIDTH - FIGURES;
  const axis = linearAxis(endsOf(arms, margin ?? 0), [left, right], { count: 5 });
  const digits = Math.max(
    digitsFor(axis.valueAt(right) - axis.valueAt(left), 2),
    margin === undefined ? 0 : digitsFor(margin, 2),
  );
  const lines = [
    subtitle,
    margin === undefined ? undefined : `shaded: within ±${shortNumber(margin)}, a difference that does not matter`,
  ];
  const notes = lines.filter((note) => note !== undefined);
  const top = TITLE_ROOM + notes.length * LINE_ROOM + 26;
  const bottom = top + Math.max(1, arms.length) * ROW;
  const zero = axis.placeOf(0);
  const names = fitNames(
    arms.map(({ name }) => name),
    left - MARGIN - 10,
    FONT_SIZE,
    true,
  );
  return svgInline(
    {
      width: WIDTH,
      height: bottom + 74,
      title,
      description: describe({ ...plot, arms }, digits),
      kind: 'difference',
      data: { 'data-x': scaleData(axis), 'data-area': areaData([left, top, right, bottom]) },
    },
    heading(title, notes),
    margin === undefined ? '' : shading(axis.placeOf(-margin), axis.placeOf(margin), [top, bottom]),
    axisBottom(axis, { y: bottom, label, top }),
    line(zero, top, zero, bottom, { stroke: colour('ink'), 'stroke-dasharray': '4 3' }),
    text(zero, top - 8, fitText(control, 2 * Math.min(zero - left / 2, WIDTH - MARGIN - zero), FONT_SIZE), {
      'text-anchor': 'middle',
    }),
    ...arms.map((arm, i) =>
      drawArm(arm, names[i]!, seriesLook(arm.look ?? i), {
        placeOf: axis.placeOf,
        left,
        right,
        y: top + i * ROW,
        digits,
      }),
    ),
    directions(better, { left, right, y: bottom + 62 }),
  );
}

const widthOf = ({ name, verdict = '' }: DrawnDifference) =>
  Math.max(textWidth(name, FONT_SIZE, true), textWidth(verdict, FONT_SIZE));

/** An arm whose figures that are not finite are none. */
function withoutBroken(arm: DrawnDifference): DrawnDifference {
  const whole = (value: number | null) => (value !== null && Number.isFinite(value) ? value : null);
  const [difference, low, high] = [whole(arm.difference), whole(arm.low), whole(arm.high)];
  return { ...arm, difference, low, high, values: arm.values.filter(({ value }) => Number.isFinite(value)) };
}

/** Least and largest of all that is drawn. */
function endsOf(arms: readonly DrawnDifference[], margin: number): readonly [number, number] {
  const known = arms.flatMap(({ difference, low, high, values }) => [
    difference ?? 0,
    low ?? 0,
    high ?? 0,
    ...values.map(({ value }) => value),
  ]);
  // Beyond the margin too, so that its ends are seen.
  const beyond = 1.2 * margin;
  return [Math.min(-beyond, ...known), Math.max(beyond, ...known)];
}

const shading = (from: number, to: number, [top, bottom]: readonly [number, number]): string =>
  element('rect', {
    x: from,
    y: top,
    width: to - from,
    height: bottom - top,
    fill: colour('muted'),
    'fill-opacity': 0.2,
  });

function directions(
  better: 'lower' | 'higher',
  { left, right, y }: { left: number; right: number; y: number },
): string {
  const [first, second] = better === 'lower' ? ['better', 'worse'] : ['worse', 'better'];
  const attributes = { fill: colour('muted') };
  return [
    text(left, y, `← ${first}`, attributes),
    text(right, y, `${second} →`, { ...attributes, 'text-anchor': 'end' }),
  ].join('');
}

function drawArm(
  { name, difference, low, high, values, verdict }: DrawnDifference,
  shown: string,
  look: SeriesLook,
  at: { placeOf(value: number): number; left: number; right: number; y: number; digits: number },
): string {
  const { placeOf, digits } = at;
  const interval = low === null || high === null ? undefined : ([low, high] as const);
  const y = at.y + 20;
  const range = interval ? `${signed(interval[0], digits)} to ${signed(interval[1], digits)}` : '';
  const words = difference === null ? 'no difference yet' : `${signed(difference, digits)}${range && `, ${range}`}`;
  const stroke = { stroke: look.colour, 'stroke-width': 3 };
  return element(
    'g',
    { 'data-series': name },
    fittedText(MARGIN, y + 5, name, { width: at.left - MARGIN - 10, bold: true, shown }),
    verdict === undefined
      ? ''
      : fittedText(MARGIN, y + 23, verdict, { width: at.left - MARGIN - 10, fill: colour('muted') }),
    element(
      'g',
      { 'data-value': `${name}: ${words}` },
      titleElement(`${name}: ${words}`),
      interval ? whisker(placeOf(interval[0]), placeOf(interval[1]), y, stroke) : '',
      difference === null ? '' : markers({ ...look, open: false }, [[placeOf(difference), y]]),
    ),
    ...values.map((one) => seedDot(one, placeOf(one.value), y + 19, look, digits)),
    text(at.right + 12, y + 5, difference === null ? '–' : signed(difference, digits), { 'font-weight': 600 }),
    text(at.right + 12, y + 23, fitText(range || 'no interval', FIGURES - 16, FONT_SIZE), { fill: colour('muted') }),
  );
}

/** A line with a short stroke across each end. */
const whisker = (from: number, to: number, y: number, attributes: Record<string, string | number>): string =>
  element('path', {
    d: `M${rounded(from)} ${rounded(y - 5)}v10m0-5H${rounded(to)}m0-5v10`,
    fill: 'none',
    ...attributes,
  });

const seedDot = (
  { name, value }: { name: string; value: number },
  x: number,
  y: number,
  look: SeriesLook,
  digits: number,
): string => {
  const words = `${name}: ${signed(value, digits)}`;
  return element(
    'circle',
    { cx: x, cy: y, r: 3.5, fill: colour('paper'), 'fill-opacity': 0.6, stroke: look.colour, 'stroke-width': 1.5 },
    titleElement(words),
  );
};

function describe({ control, margin, arms }: DifferencePlot, digits: number): string {
  const each = arms.map(({ name, difference, low, high, verdict }) => {
    if (difference === null) return `${name}: no difference yet.`;
    const range = low === null || high === null ? '' : `, ${signed(low, digits)} to ${signed(high, digits)}`;
    return `${name}: ${signed(difference, digits)}${range}${verdict === undefined ? '' : `, ${verdict}`}.`;
  });
  const matters = margin === undefined ? '' : ` Differences up to ${shortNumber(margin)} do not matter.`;
  return `Differences from ${control}.${matters} ${each.join(' ')}`;
}
