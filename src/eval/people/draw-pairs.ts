import { dataError } from '../../core/errors.js';
import { groupBy } from '../../core/lists.js';
import { random } from '../../core/random.js';
import type { Verdict } from '../verdicts/verdict.js';
import { type PairTexts, pairKey } from './rated-pair.js';

/** Pairs to rate, and which answer stands first. */
export interface DrawnPair extends PairTexts {
  readonly first: 'baseline' | 'arm';
}

/** How the pairs of a sheet are drawn. */
export interface DrawOptions {
  readonly rows: number;
  readonly seed: number;
}

/** A judge's verdict as people give theirs. */
export const sideOf = (x: number): 'arm' | 'baseline' | 'tie' => (x > 0.5 ? 'arm' : x < 0.5 ? 'baseline' : 'tie');

/**
 * Draws pairs for people, each with the same probability, and in the right proportions by arm, set,
 * band and the judge's verdict (systematic sampling of the pairs in this order): so what people say
 * of them holds for all. In half of them the arm's answer stands first. In random order. Throws a
 * data error where there are fewer pairs than asked for.
 */
export function drawPairs(
  pairs: readonly PairTexts[],
  verdicts: readonly Verdict[],
  { rows, seed }: DrawOptions,
): DrawnPair[] {
  if (pairs.length < rows)
    throw dataError(
      `${rows} pairs to draw, but only ${pairs.length} have two different answers; ask for fewer, or evaluate more rows`,
      { rows: pairs.length },
    );
  const said = new Map(
    verdicts.map((verdict) => [pairKey(verdict), verdict.x === null ? 'missing' : sideOf(verdict.x)]),
  );
  const { shuffle, uniform } = random(seed, 'eval', 'people');
  const strata = groupBy(shuffle(pairs), (pair) =>
    JSON.stringify([pair.arm, pair.set, pair.band ?? 0, said.get(pairKey(pair)) ?? 'unjudged']),
  );
  const ordered = [...strata].sort(([one], [other]) => (one < other ? -1 : 1)).flatMap(([, members]) => members);
  const start = uniform();
  const drawn = Array.from({ length: rows }, (_, i) => ordered[Math.floor(((i + start) * ordered.length) / rows)]!);
  const sides = shuffle(drawn.map((_, i) => (i % 2 === 0 ? 'arm' : 'baseline')));
  return shuffle(drawn).map((pair, i) => ({ ...pair, first: sides[i]! }));
}
