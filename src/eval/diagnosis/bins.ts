import type { ScoreBin } from './diagnosis.js';
import type { DiagnosisFacts } from './facts.js';
import { knownMean } from './tests.js';

const BINS = 6;

/** Places of the rows of each bin, in the order of their scores. */
export function binRows({ rows, scores }: DiagnosisFacts): number[][] {
  const rated = rows.flatMap(({ score }, i) => (score === null || Number.isNaN(scores?.[i] ?? Number.NaN) ? [] : [i]));
  rated.sort((a, b) => rows[a]!.score! - rows[b]!.score!);
  const scoreAt = (place: number) => rows[rated[place]!]!.score;
  const ends = new Set<number>();
  for (let bin = 1; bin < BINS; bin++) {
    const even = Math.round((bin * rated.length) / BINS);
    // Rows of one score stay together: the nearest place where it changes.
    let [down, up] = [even, even];
    while (down > 0 && scoreAt(down - 1) === scoreAt(down)) down--;
    while (up < rated.length && up > 0 && scoreAt(up - 1) === scoreAt(up)) up++;
    ends.add(even - down <= up - even ? down : up);
  }
  const places = [0, ...[...ends].sort((a, b) => a - b), rated.length];
  return places.slice(1).flatMap((end, i) => (end > places[i]! ? [rated.slice(places[i], end)] : []));
}

/** The bins with their win rates, for all sets and for each. */
export function scoreBins(facts: DiagnosisFacts, bins: readonly (readonly number[])[]): ScoreBin[] {
  const sets = [...new Set(facts.rows.map(({ set }) => set))];
  const rate = (places: readonly number[]) => {
    const found = 100 * knownMean(places.map((i) => facts.scores![i]!));
    return Number.isNaN(found) ? null : found;
  };
  return bins.map((places) => ({
    from: facts.rows[places[0]!]!.score!,
    to: facts.rows[places.at(-1)!]!.score!,
    rows: places.length,
    winRate: rate(places),
    bySet: Object.fromEntries(sets.map((set) => [set, rate(places.filter((i) => facts.rows[i]!.set === set))])),
  }));
}
