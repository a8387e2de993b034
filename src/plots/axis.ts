import { nice, ticks } from 'd3-array';
import { scaleToOrdinary } from '../core/ordinary.js';
import { withMinus } from './numbers.js';
import { element, FONT_SIZE, MARGIN, rounded, text, WIDTH } from './svg.js';
import { fitText, textWidth } from './text-width.js';
import { colour } from './theme.js';

/** Turns values into places along one side of a picture, in pixels, and says which values to write there. */
export interface Axis {
  /** Place of a value; values beyond the axis are beyond its ends. */
  placeOf(value: number): number;
  /** Value at a place. */
  valueAt(place: number): number;
  /** Whether equal distances are equal ratios. */
  readonly log: boolean;
  /** Where its two ends are; vertical axes run from the bottom, whose place is the larger number. */
  readonly range: readonly [from: number, to: number];
  readonly marks: readonly { readonly value: number; readonly label: string }[];
}

/** A mark's label: `12,000`, `1.5M`, `2e15`. */
function number(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e15) return withMinus(String(Number(value.toPrecision(3))).replace('e+', 'e'));
  return withMinus(value.toLocaleString('en-US', size >= 1e6 ? { notation: 'compact' } : {}));
}

/** A linear axis whose ends are rounded to where marks fall, with about `count` marks; equal ends are spread by one. */
export function linearAxis(
  values: readonly [low: number, high: number],
  range: readonly [from: number, to: number],
  {
    count = 6,
    rounded = true,
    label = number,
  }: { count?: number; rounded?: boolean; label?(value: number): string } = {},
): Axis {
  const scale = scaleToOrdinary(values);
  const wide = spread(values[0] * scale, values[1] * scale);
  const [low, high] = rounded ? nice(wide[0], wide[1], count) : wide;
  const place = (value: number) => range[0] + ((value * scale - low) / (high - low)) * (range[1] - range[0]);
  const share = (at: number) => (at - range[0]) / (range[1] - range[0]);
  return {
    placeOf: place,
    valueAt: (at) => (low + share(at) * (high - low)) / scale,
    log: false,
    range,
    marks: marked(
      ticks(low, high, count).map((value) => value / scale),
      label,
    ),
  };
}

/** Equal ends are spread by one, or by what makes a difference to numbers of their size. */
function spread(low: number, high: number): readonly [number, number] {
  const half = low === high ? Math.max(0.5, Math.abs(low) * 1e-6) : 0;
  return [low - half, high + half];
}

/** Marks by their labels; in full where two labels would be the same. */
function marked(values: readonly number[], label: (value: number) => string): Axis['marks'] {
  const labels = values.map(label);
  const distinct = new Set(labels).size === labels.length;
  return values.map((value, i) => ({
    value,
    label: distinct ? labels[i]! : withMinus(String(Number(value.toPrecision(16)))),
  }));
}

/**
 * A logarithmic axis of positive values, marked at 1, 2 and 5 times the powers of ten, or at the
 * powers where these are many.
 */
export function logAxis(
  [low, high]: readonly [low: number, high: number],
  range: readonly [from: number, to: number],
): Axis {
  const [from, to] = [Math.log10(low), low === high ? Math.log10(low) + 1 : Math.log10(high)];
  const place = (value: number) => range[0] + ((Math.log10(value) - from) / (to - from)) * (range[1] - range[0]);
  const steps = to - from > 3 ? [1] : [1, 2, 5];
  const powers = Array.from({ length: Math.ceil(to) - Math.floor(from) + 1 }, (_, i) => Math.floor(from) + i);
  const values = powers.flatMap((power) => steps.map((step) => step * 10 ** power));
  const marks = values.filter((v) => v >= low * 0.999 && v * 0.999 <= high);
  const valueAt = (at: number) =>
    Math.min(Number.MAX_VALUE, 10 ** (from + ((at - range[0]) / (range[1] - range[0])) * (to - from)));
  return { placeOf: place, valueAt, log: true, range, marks: marked(marks, number) };
}

/** Space between labels next to each other. */
const BETWEEN = 10;

/** Which marks get a label: every one, or every second, third … so that none overlaps the next. */
function labelled(axis: Axis, [low, high]: readonly [number, number]): Axis['marks'] {
  const boxes = axis.marks.map(({ value, label }) => {
    const [place, half] = [axis.placeOf(value), textWidth(label, FONT_SIZE) / 2];
    return [place - half, place + half] as const;
  });
  const fits = (step: number) => {
    const kept = boxes.filter((_, i) => i % step === 0);
    return kept.every(([from, to], i) => i === 0 || (from >= kept[i - 1]![1] + BETWEEN && to <= high));
  };
  let step = 1;
  while (step < boxes.length && !fits(step)) step += 1;
  return axis.marks.filter((_, i) => i % step === 0 && boxes[i]![0] >= low && boxes[i]![1] <= high);
}

/**
 * Marks, labels and the name of an axis along the bottom at height `y`; grid lines go up to `top`
 * where it is given. Labels that would overlap, or leave the picture, are left out.
 */
export function axisBottom(axis: Axis, { y, label, top }: { y: number; label: string; top?: number }): string {
  const [from, to] = axis.range;
  const stroke = colour('muted');
  const marks = axis.marks.map(({ value }) => axis.placeOf(value));
  const grid = top === undefined ? '' : marks.map((x) => `M${rounded(x)} ${rounded(y)}V${rounded(top)}`).join('');
  const ticks = marks.map((x) => `M${rounded(x)} ${rounded(y)}v5`).join('');
  return [
    grid === '' ? '' : element('path', { d: grid, stroke: colour('grid') }),
    element('path', { d: `M${rounded(from)} ${rounded(y)}H${rounded(to)}${ticks}`, fill: 'none', stroke }),
    element(
      'g',
      { 'text-anchor': 'middle' },
      ...labelled(axis, [0, WIDTH]).map(({ value, label: name }) => text(axis.placeOf(value), y + 20, name)),
      nameBelow(label, (from + to) / 2, y + 40),
    ),
  ].join('');
}

/** An axis's name in its middle, or as near to it as the name fits into the picture. */
function nameBelow(label: string, middle: number, y: number): string {
  const shown = fitText(label, WIDTH - 2 * MARGIN, FONT_SIZE);
  const half = textWidth(shown, FONT_SIZE) / 2;
  return text(Math.max(MARGIN + half, Math.min(WIDTH - MARGIN - half, middle)), y, shown);
}

/** Room to the left of an axis that its labels need. */
export const axisRoom = (axis: Axis): number =>
  10 + Math.max(0, ...axis.marks.map(({ label }) => textWidth(label, FONT_SIZE)));

/**
 * Marks and labels of an axis along the left at `x`, and its name above it, `above` pixels higher than it would
 * be [0], where it is read without turning the head; grid lines go right to `right` where it is given.
 */
export function axisLeft(
  axis: Axis,
  { x, label, right, above = 0 }: { x: number; label: string; right?: number; above?: number },
): string {
  const [from, to] = axis.range;
  const stroke = colour('muted');
  const marks = axis.marks.map(({ value }) => axis.placeOf(value));
  const grid = right === undefined ? '' : marks.map((y) => `M${rounded(x)} ${rounded(y)}H${rounded(right)}`).join('');
  const ticks = marks.map((y) => `M${rounded(x - 5)} ${rounded(y)}h5`).join('');
  return [
    grid === '' ? '' : element('path', { d: grid, stroke: colour('grid') }),
    element('path', { d: `M${rounded(x)} ${rounded(from)}V${rounded(to)}${ticks}`, fill: 'none', stroke }),
    element(
      'g',
      { 'text-anchor': 'end' },
      ...axis.marks.map(({ value, label: name }) => text(x - 9, axis.placeOf(value) + 5, name)),
    ),
    text(MARGIN, Math.min(from, to) - 14 - above, fitText(label, WIDTH - 2 * MARGIN, FONT_SIZE), { fill: stroke }),
  ].join('');
}

/** What a page's script needs to turn places into values, see `svg.ts`. */
export function scaleData(axis: Axis): string {
  const [a, b] = axis.range.map((place) => [axis.valueAt(place), rounded(place)]) as [number[], number[]];
  return [...a, ...b].map((part) => Number(part.toPrecision(12))).join(' ') + (axis.log ? ' log' : ' linear');
}

/** Where values are drawn, for a page's script, see `svg.ts`. */
export const areaData = (area: readonly [left: number, top: number, right: number, bottom: number]): string =>
  area.map(rounded).join(' ');
