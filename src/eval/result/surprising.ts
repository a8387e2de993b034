import type { LengthControl } from '../../statistics/length-control.js';
import { sigmoid } from '../../statistics/logistic.js';
import { mean, standardDeviation } from '../../statistics/moments.js';
import type { AddedArm } from './arm-results.js';
import type { SurprisingRow } from './result.js';
import type { ArmScoring } from './scores.js';

/** Rows that are listed. */
const LISTED = 20;

/** What a picture of an arm's verdicts against length shows. */
export interface ArmPlot {
  readonly arm: string;
  /** Scores are in percent. */
  readonly pairs: readonly { readonly longerBy: number; readonly score: number }[];
  readonly fitted: ((longerBy: number) => number) | undefined;
}

/** The pairs of an arm that have a verdict, and the fit of their scores to the difference in length. */
export function armPlot({ scoring, control }: AddedArm): ArmPlot {
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

/** The pairs whose verdicts are furthest from what was to be expected, the furthest first. */
export function surprisingRows(
  added: readonly AddedArm[],
  rows: readonly { readonly set: string; readonly id: string }[],
): SurprisingRow[] {
  const all = added.flatMap(({ scoring, control }) => {
    const expect = expectation(scoring, control);
    return scoring.pairs.flat().flatMap(({ row, run, x, longerBy, verdict }) => {
      const { set, id } = rows[row]!;
      return verdict?.state === 'judged' ? [{ set, id, arm: scoring.arm, run, x, expected: expect(longerBy) }] : [];
    });
  });
  const distance = ({ x, expected }: SurprisingRow) => Math.abs(x - expected);
  return all.toSorted((x, y) => distance(y) - distance(x)).slice(0, LISTED);
}
