import type { LengthControl } from '../../statistics/length-control.js';
import { sigmoid } from '../../statistics/logistic.js';
import { mean, standardDeviation } from '../../statistics/moments.js';
import type { AddedArm } from './arm-results.js';
import type { SurprisingRow } from './result.js';
import type { ArmScoring, ScoredPair } from './scores.js';

/** Rows that the result lists. */
const LISTED = 20;

/** An arm's pairs, and the fit of their scores to the difference in length. */
export type FittedArm = Pick<AddedArm, 'scoring' | 'control'>;

/** What a picture of an arm's verdicts against length shows. */
export interface ArmPlot {
  readonly arm: string;
  /** Scores are in percent. */
  readonly pairs: readonly { readonly longerBy: number; readonly score: number }[];
  readonly fitted: ((longerBy: number) => number) | undefined;
}

/** The pairs of an arm that have a verdict, and the fit of their scores to the difference in length. */
export function armPlot({ scoring, control }: FittedArm): ArmPlot {
  const pairs = scoring.pairs.flat().filter(({ x, longerBy }) => !Number.isNaN(x) && !Number.isNaN(longerBy));
  const expect = expectation(scoring, control);
  return {
    arm: scoring.arm,
    pairs: pairs.map(({ x, longerBy }) => ({ longerBy, score: 100 * x })),
    fitted: control.coefficients && control.state === 'shown' ? (longerBy) => 100 * expect(longerBy) : undefined,
  };
}

/** What a pair's score was to be expected: by its difference in length where that was fitted, otherwise the mean. */
function expectation({ pairs }: ArmScoring, { coefficients, state }: LengthControl): (longerBy: number) => number {
  const known = pairs.flat().filter(({ x, longerBy }) => !Number.isNaN(x) && !Number.isNaN(longerBy));
  const average = mean(known.map(({ x }) => x));
  if (!coefficients || state !== 'shown') return () => average;
  const deviation = standardDeviation(known.map(({ longerBy }) => longerBy));
  return (longerBy) =>
    sigmoid(coefficients.constant + coefficients.length * (deviation > 0 ? Math.tanh(longerBy / deviation) : 0));
}

/** A pair with a verdict, and what its score was to be expected. */
export interface ExpectedPair {
  readonly arm: string;
  readonly pair: ScoredPair;
  readonly expected: number;
}

/** The pairs that the judge was asked about, those whose verdicts are furthest from what was to be expected first. */
export function surprisingPairs(arms: readonly FittedArm[]): ExpectedPair[] {
  const all = arms.flatMap(({ scoring, control }) => {
    const expect = expectation(scoring, control);
    return scoring.pairs
      .flat()
      .filter(({ verdict }) => verdict?.state === 'judged')
      .map((pair) => ({ arm: scoring.arm, pair, expected: expect(pair.longerBy) }));
  });
  const distance = ({ pair: { x }, expected }: ExpectedPair) => Math.abs(x - expected);
  return all.sort((x, y) => distance(y) - distance(x));
}

/** The most surprising pairs as the result lists them. */
export const surprisingRows = (
  arms: readonly FittedArm[],
  rows: readonly { readonly set: string; readonly id: string }[],
): SurprisingRow[] =>
  surprisingPairs(arms)
    .slice(0, LISTED)
    .map(({ arm, pair: { row, run, x }, expected }) => {
      const { set, id } = rows[row]!;
      return { set, id, arm, run, x, expected };
    });
