import { tickStep } from 'd3-array';
import { scaleToOrdinary } from '../core/ordinary.js';

/** How many rows of each stage have which scores: bars of equal width. */
export interface Histogram {
  /**
   * Scores at the edges of the bars, increasing; one more than there are bars. A bar includes its
   * lower edge, not its upper.
   */
  readonly edges: readonly number[];
  /** For each bar, the rows of each stage. */
  readonly counts: readonly (readonly number[])[];
  /** True where the first or the last bar also counts the rows beyond it: rare outliers would squeeze the rest. */
  readonly openBelow: boolean;
  readonly openAbove: boolean;
}

const BARS = 30;
/** Share of the rows at either end that may lie beyond the bars, and how much wider the bars may be to include all. */
const BEYOND = 0.005;
const WIDER = 1.25;
/** Bars for scores too close together, relative to their size, for round edges between them, and how close that is. */
const CLOSE_BARS = 15;
const CLOSE = 1e-7;

/**
 * Counts rows by score and stage, in at most about 40 bars with round edges. `order` lists the rows
 * by increasing score.
 */
export function histogramOf(scores: Float64Array, stageOf: Uint8Array, order: Uint32Array, stages: number): Histogram {
  const at = (share: number) => scores[order[Math.min(order.length - 1, Math.floor(share * order.length))]!]!;
  const scale = scaleToOrdinary([at(0), at(1)]);
  const [min, max, low, high] = [at(0), at(1), at(BEYOND), at(1 - BEYOND)].map((score) => score * scale) as Ends;
  const all = max - min <= WIDER * (high - low) || high === low;
  const [from, to] = all ? [min, max] : [low, high];
  const close = from < to && to - from < CLOSE * Math.max(Math.abs(from), Math.abs(to));
  const { edges, place } = close ? evenBars(from, to) : roundBars(from, to);
  const counts = Array.from({ length: edges.length - 1 }, () => new Array<number>(stages).fill(0));
  for (const [row, score] of scores.entries()) {
    const bar = Math.max(0, Math.min(counts.length - 1, place(score * scale)));
    counts[bar]![stageOf[row]!]!++;
  }
  return {
    edges: scale === 1 ? edges : edges.map((edge) => Number((edge / scale).toPrecision(10))),
    counts,
    openBelow: min < edges[0]!,
    openAbove: close ? max > edges.at(-1)! : max >= edges.at(-1)!,
  };
}

type Ends = [min: number, max: number, low: number, high: number];

/** Edges of bars, and the bar that a score is in; before the first or after the last where it lies beyond them. */
interface Bars {
  readonly edges: readonly number[];
  place(score: number): number;
}

/** Bars of a round width, from a multiple of it on. */
function roundBars(from: number, to: number): Bars {
  const width = from === to ? 10 ** Math.max(0, Math.floor(Math.log10(Math.abs(from))) - 6) : tickStep(from, to, BARS);
  // By whole numbers of bars: 1.2 / 0.1 is not 12, so rounding must not move a score off an edge.
  const bar = (score: number) => Math.floor(score / width + 1e-9);
  const [first, last] = [bar(from), bar(to)];
  const edges = Array.from({ length: last - first + 2 }, (_, i) => Number(((first + i) * width).toPrecision(10)));
  return { edges, place: (score) => bar(score) - first };
}

/** Bars of equal width between the two, the last with both its edges; as many as there are numbers for their edges. */
function evenBars(from: number, to: number): Bars {
  const sides = Array.from({ length: CLOSE_BARS + 1 }, (_, i) => from + (to - from) * (i / CLOSE_BARS));
  const edges = [...new Set(sides)];
  return { edges, place: (score) => edges.findLastIndex((edge) => edge <= score) };
}
