import type { Histogram } from '../../curriculum/histogram.js';
import { formatScore } from '../../curriculum/stage-picture.js';
import { formatCount } from '../../telemetry/format.js';
import type { PageCell } from '../page.js';
import { cell } from './shown.js';

/** The values of a histogram as a table: rows by bar and by what they are stacked by, without the empty bars. */
export function histogramTable(
  { edges, counts, openBelow, openAbove }: Histogram,
  names: readonly string[],
): PageCell[][] {
  const rows = counts.flatMap((bar, i): PageCell[][] => {
    if (bar.every((n) => n === 0)) return [];
    const [from, to] = [edges[i]!, edges[i + 1]!];
    const ends = [
      i === 0 && openBelow ? cell('-', null) : cell(formatScore(from), from),
      i === counts.length - 1 && openAbove ? cell('-', null) : cell(formatScore(to), to),
    ];
    return [[...ends, ...bar.map((n) => cell(formatCount(n), n))]];
  });
  return [['from', 'to under', ...names], ...rows];
}
