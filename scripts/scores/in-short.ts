import type { Comparison, PairComparison } from '../../src/scoring/compare/compare.js';
import type { Estimate } from '../../src/statistics/bootstrap.js';

/** Words for a rank correlation, by its interval: which way it goes, if that can be told, and how far. */
export function inWords({ value, interval }: Estimate): string {
  if (value === null) return 'not defined';
  if (interval && interval[0] <= 0 && interval[1] >= 0) return 'no relation that could be told from chance';
  const size = Math.abs(value);
  const much =
    size < 0.1
      ? 'next to nothing in common'
      : size < 0.3
        ? 'little in common'
        : size < 0.6
          ? 'something in common'
          : 'much in common';
  return value < 0 ? `${much}, and that the wrong way round` : much;
}

const fixed = (n: number, digits: number) => n.toFixed(digits);
const spread = ({ interval }: Estimate, digits: number) =>
  interval ? ` [${fixed(interval[0], digits)}, ${fixed(interval[1], digits)}]` : '';

/** Whether the second score does better than length at telling what the first one tells. */
function overLength({ first, second, agreement: { overLength } }: PairComparison): string {
  const { value, interval } = overLength;
  if (value === null || !interval) return '';
  const verdict = interval[0] > 0 ? 'does better than' : interval[1] < 0 ? 'does worse than' : 'cannot be told from';
  return ` As a guess at ${first}'s order, ${second} ${verdict} the mere length of the answers, where long or short counts as hard, whichever suits better (difference of Spearman's ${fixed(value, 3)}${spread(overLength, 3)}).`;
}

const pairLine = (pair: PairComparison): string => {
  const { first, second, agreement, moves } = pair;
  const { spearman, order } = agreement;
  return (
    `**${first} and ${second}** have ${inWords(spearman)}: Spearman ${fixed(spearman.value ?? Number.NaN, 3)}${spread(spearman, 3)}; ` +
    `they put ${fixed(order.value ?? Number.NaN, 1)} %${spread(order, 1)} of the pairs in the same order, where chance puts 50 %. ` +
    `Cut into stages by the one instead of the other, ${fixed(100 * moves.changed, 1)} % of the rows change their stage; ${fixed(100 * moves.chance, 1)} % would by chance.${second === 'length' ? '' : overLength(pair)}`
  );
};

/** What was measured, a sentence or two a pair; nothing that the numbers do not say. */
export const inShort = ({ pairs }: Comparison): string[] => pairs.map(pairLine);
