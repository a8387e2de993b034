import { nice, ticks } from 'd3-array';
import { scaleToOrdinary } from '../core/ordinary.js';
import { line, STYLE, text } from './svg.js';

/** Turns values into places along one side of a picture, in pixels, and says which values to write there. */
export interface Axis {
  /** Place of a value; values beyond the axis are beyond its ends. */
  placeOf(value: number): number;
  /** Where its two ends are; vertical axes run from the bottom, whose place is the larger number. */
  readonly range: readonly [from: number, to: number];
  readonly marks: readonly { readonly value: number; readonly label: string }[];
}

const number = (value: number) =>
  Math.abs(value) >= 1e6 ? value.toLocaleString('en-US', { notation: 'compact' }) : value.toLocaleString('en-US');

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
  return {
    placeOf: place,
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
  return values.map((value, i) => ({ value, label: distinct ? labels[i]! : String(Number(value.toPrecision(16))) }));
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
  return { placeOf: place, range, marks: marked(marks, number) };
}

/**
 * Marks, labels and the name of an axis along the bottom at height `y`; grid lines go up to `top`
 * where it is given.
 */
export function axisBottom(axis: Axis, { y, label, top }: { y: number; label: string; top?: number }): string {
  const [from, to] = axis.range;
  const marks = axis.marks.flatMap(({ value, label: name }) => {
    const x = axis.placeOf(value);
    return [
      ...(top === undefined ? [] : [line(x, y, x, top)]),
      line(x, y, x, y + 5, { stroke: STYLE.muted }),
      text(x, y + 19, name, { 'text-anchor': 'middle' }),
    ];
  });
  const name = text((from + to) / 2, y + 40, label, { 'text-anchor': 'middle', 'font-size': 13 });
  return [...marks, line(from, y, to, y, { stroke: STYLE.muted }), name].join('');
}

/** Marks, labels and the name of an axis along the left at `x`; grid lines go right to `right` where it is given. */
export function axisLeft(axis: Axis, { x, label, right }: { x: number; label: string; right?: number }): string {
  const [from, to] = axis.range;
  const marks = axis.marks.flatMap(({ value, label: name }) => {
    const y = axis.placeOf(value);
    return [
      ...(right === undefined ? [] : [line(x, y, right, y)]),
      line(x - 5, y, x, y, { stroke: STYLE.muted }),
      text(x - 9, y + 4, name, { 'text-anchor': 'end' }),
    ];
  });
  const place = [x - 48, (from + to) / 2] as const;
  const turned = { 'text-anchor': 'middle', 'font-size': 13, transform: `rotate(-90 ${place[0]} ${place[1]})` };
  return [...marks, line(x, from, x, to, { stroke: STYLE.muted }), text(...place, label, turned)].join('');
}
