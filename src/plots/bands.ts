import { nice } from 'd3-array';
import { scaleToOrdinary } from '../core/ordinary.js';
import { type Axis, linearAxis, logAxis } from './axis.js';

/** Values sorted into bands side by side, for one side of a picture. */
export interface Bands {
  readonly count: number;
  /** Band of a value, from 0; values beyond the ends are in the first and the last. */
  bandOf(value: number): number;
  /** Places of a band's two ends in pixels. */
  ends(band: number): readonly [from: number, to: number];
  readonly axis: Axis;
  /** Values beyond the ends. */
  readonly beyond: number;
}

/** Round numbers around the two, or they themselves where those would be too large to be numbers. */
function roundEnds(low: number, high: number): readonly [number, number] {
  const scale = scaleToOrdinary([low, high]);
  const [from, to] = nice(low * scale, high * scale, 8).map((end) => end / scale) as [number, number];
  return [Number.isFinite(from) ? from : low, Number.isFinite(to) ? to : high];
}

/** Up to this many different values get a band each, whatever is between them. */
const FEW = 16;
/** Number of bands: more rows allow finer ones. */
const bandsFor = (rows: number) => Math.max(10, Math.min(40, Math.round(2 * Math.sqrt(rows))));
/** Share of the values at each end that may be beyond it: a few very long rows must not squeeze all others. */
const TAIL = 0.005;
/** From this ratio of the ends on, the scale is logarithmic. */
const WIDE = 30;

/**
 * Bands for values, at least one: one for each value where there are few different ones, otherwise
 * up to forty of equal width, on a logarithmic scale where the values are positive and far apart.
 */
export function bandsOf(values: ArrayLike<number>, range: readonly [from: number, to: number]): Bands {
  const sorted = Float64Array.from(values).sort();
  const distinct = sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]);
  if (distinct.length <= FEW) return bandEach(distinct, range);
  const tail = Math.floor(TAIL * sorted.length);
  const [low, high] = [sorted[tail]!, sorted[sorted.length - 1 - tail]!];
  if (low === high) return bandEach(Float64Array.of(low), range, sorted.filter((value) => value !== low).length);
  const log = low > 0 && high / low > WIDE;
  const ends = log ? ([low, high] as const) : roundEnds(low, high);
  const axis = log ? logAxis(ends, range) : linearAxis(ends, range, { rounded: false });
  const count = bandsFor(values.length);
  const size = (range[1] - range[0]) / count;
  return {
    count,
    bandOf: (value) => {
      const place = log && value <= 0 ? range[0] : axis.placeOf(value);
      return Math.max(0, Math.min(count - 1, Math.floor((place - range[0]) / size)));
    },
    ends: (band) => [range[0] + band * size, range[0] + (band + 1) * size],
    axis,
    beyond: sorted.filter((value) => value < ends[0] || value > ends[1]).length,
  };
}

function bandEach(distinct: Float64Array, range: readonly [from: number, to: number], beyond = 0): Bands {
  const size = (range[1] - range[0]) / distinct.length;
  const bandOf = (value: number) => {
    const band = distinct.findIndex((one) => one >= value);
    return band < 0 ? distinct.length - 1 : band;
  };
  const marks = [...distinct].map((value) => ({ value, label: String(Number(value.toPrecision(4))) }));
  const axis: Axis = {
    placeOf: (value) => range[0] + (bandOf(value) + 0.5) * size,
    valueAt: (place) => distinct[Math.max(0, Math.min(distinct.length - 1, Math.floor((place - range[0]) / size)))]!,
    log: false,
    range,
    marks,
  };
  const ends = (band: number) => [range[0] + band * size, range[0] + (band + 1) * size] as const;
  return { count: distinct.length, bandOf: bandOf, ends, axis, beyond };
}
