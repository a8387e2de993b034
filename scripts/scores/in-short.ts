import type { Comparison, PairComparison } from '../../src/scoring/compare/compare.js';
import type { Estimate } from '../../src/statistics/bootstrap.js';

/** Words for a rank correlation, by its interval: its direction, if that is certain, and its size. */
export function inWords({ value, interval }: Estimate): string {
  if (value === null) return 'not defined';
  if (interval && interval[0] <= 0 && interval[1] >= 0) return 'no relation that can be distinguished from chance';
  const size = Math.abs(value);
  const much =
    size < 0.1
      ? 'next to nothing in common'
      : size < 0.3
        ? 'little in common'
        : size < 0.6
          ? 'something in common'
          : 'much in common';
  return value < 0 ? `${much}, and in opposite directions` : much;
}

const fixed = (n: number, digits: number) => n.toFixed(digits);
const spread = ({ interval }: Estimate, digits: number) =>
  interval ? ` [${fixed(interval[0], digits)}, ${fixed(interval[1], digits)}]` : '';

/** Whether the second score predicts the order of the first one better than length does. */
function overLength({ first, second, agreement: { overLength } }: PairComparison): string {
  const { value, interval } = overLength;
  if (value === null || !interval) return '';
  const verdict =
    interval[0] > 0 ? 'does better than' : interval[1] < 0 ? 'does worse than' : 'cannot be distinguished from';
  return ` As a predictor of ${first}'s order, ${second} ${verdict} the length of the answers alone, where long or short counts as hard, whichever fits better (difference in Spearman's correlation ${fixed(value, 3)}${spread(overLength, 3)}).`;
}

const pairLine = (pair: PairComparison): string => {
  const { first, second, agreement, moves } = pair;
  const { spearman, order } = agreement;
  return (
    `**${first} and ${second}** have ${inWords(spearman)}: Spearman ${fixed(spearman.value ?? Number.NaN, 3)}${spread(spearman, 3)}; ` +
    `they order ${fixed(order.value ?? Number.NaN, 1)} %${spread(order, 1)} of the pairs the same way; by chance it would be 50 %. ` +
    `If the stages are cut by one instead of the other, ${fixed(100 * moves.changed, 1)} % of the rows change their stage; ${fixed(100 * moves.chance, 1)} % would by chance.${second === 'length' ? '' : overLength(pair)}`
  );
};

/** What was measured, in a sentence or two per pair; nothing that the numbers do not say. */
export const inShort = ({ pairs }: Comparison): string[] => pairs.map(pairLine);
