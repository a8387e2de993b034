import { holm } from '../../statistics/holm.js';
import { mean, standardDeviation } from '../../statistics/moments.js';
import { leastMean } from '../../statistics/power.js';
import { signFlip } from '../../statistics/sign-flip.js';
import { tTest } from '../../statistics/t-test.js';
import type { DiagnosisTest } from './diagnosis.js';

/** Error of all tests of a diagnosis together. */
export const FAMILY = 0.05;

/**
 * Effects that would matter: a test whose rows would not show one cannot tell. Points of a win rate in a band or a bin,
 * and over all rows; and the share of a loss. Choices: they are what the tests of this module plant.
 */
export const MATTERS = { points: 15, overall: 10, loss: 0.05 } as const;

/** A test before it is adjusted. */
export interface Draft {
  readonly name: string;
  readonly unit: DiagnosisTest['unit'];
  /** How bad each row is: points below 50, or nats above; NaN where missing. */
  readonly badness: readonly number[];
  readonly matters: number;
  /** Smallest mean that counts as bad, besides being above 0 [0]. */
  readonly least?: number;
  /** True for a loss that did not change in any row, which is as bad as one that rose. */
  readonly stillIsBad?: boolean;
}

/** A test, and what it is about. */
export interface Planned extends Draft {
  readonly about:
    | { readonly kind: 'easy-loss' | 'easy-score' | 'overall' }
    | { readonly kind: 'rise' | 'stage-score'; readonly stage: number; readonly band: number }
    | { readonly kind: 'bin'; readonly bin: number };
}

/** A test that was made, and what it is about. */
export type Made = DiagnosisTest & Pick<Planned, 'about'>;

/** How tests are made. */
export interface TestOptions {
  readonly seed: number;
  /** Sign flips of each test [20,000]. */
  readonly flips?: number;
}

const known = (values: readonly number[]) => values.filter((value) => !Number.isNaN(value));

/** One-sided p of the sign-flip test that the mean is above 0: half of the two-sided one, which is symmetric. */
function oneSided(values: readonly number[], still: boolean, options: TestOptions): number {
  const total = values.reduce((sum, value) => sum + value, 0);
  if (still && values.length > 0 && values.every((value) => value === 0)) return 0;
  const p = signFlip(values, options) / 2;
  return total > 0 ? p : 1 - p;
}

/** Runs all tests of a diagnosis; one without enough rows to show anything cannot be bad. */
export function runTests(drafts: readonly Draft[], options: TestOptions): DiagnosisTest[] {
  const rows = drafts.map(({ badness }) => known(badness));
  const ps = drafts.map(({ stillIsBad }, i) => oneSided(rows[i]!, stillIsBad === true, { flips: 20_000, ...options }));
  const adjusted = holm(ps);
  return drafts.map((draft, i) => {
    const values = rows[i]!;
    const { mean: middle, low, high, n } = tTest(values);
    const sign = draft.unit === 'points' ? -1 : 1;
    const ends = [sign * low, sign * high].sort((a, b) => a - b);
    const enough = n > 0 && 2 ** -n <= FAMILY / drafts.length;
    const least = enough ? leastShown(values, drafts.length) : null;
    return {
      name: draft.name,
      unit: draft.unit,
      value: orNull(sign * middle),
      low: orNull(ends[0]!),
      high: orNull(ends[1]!),
      rows: n,
      p: ps[i]!,
      pHolm: adjusted[i]!,
      least,
      matters: draft.matters,
      bad:
        enough &&
        adjusted[i]! <= FAMILY &&
        (middle > (draft.least ?? 0) || (draft.stillIsBad === true && middle === 0)),
    };
  });
}

/** Least effect that so many rows show: with the first, strictest step of Holm's procedure, one-sided. */
const leastShown = (values: readonly number[], comparisons: number): number =>
  leastMean({ rows: values.length, deviation: standardDeviation(values), level: 1 - 2 * FAMILY, comparisons });

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value + 0);

/** Points below 50 of scores from 0 to 1. */
export const pointsBelow = (scores: readonly number[]): number[] => scores.map((score) => 100 * (0.5 - score));

/** Mean of what is known; NaN without any. */
export const knownMean = (values: readonly number[]): number => mean(known(values));
