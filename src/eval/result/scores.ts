import type { MissingReason } from '../judge/pair-judge.js';
import type { OrderVerdict, Verdict } from '../verdicts/verdict.js';
import type { Evaluation } from './evaluation.js';

/** A pair that was to be judged. */
export interface ScoredPair {
  /** Place of its row. */
  readonly row: number;
  readonly run: number;
  readonly baselineRun: number;
  /** Undefined: nobody asked about it. */
  readonly verdict: Verdict | undefined;
  /** The arm's score from 0 to 1; NaN if missing. */
  readonly x: number;
  /** Why it is missing; undefined where it is not. */
  readonly reason: MissingReason | undefined;
  /** Length of the arm's answer minus that of the baseline's, in characters (code points); NaN without both. */
  readonly longerBy: number;
}

/** What one judge says about an arm and another one, for each run of the arm and each row. */
export interface ArmScoring {
  readonly arm: string;
  readonly baseline: string;
  readonly pairs: readonly (readonly ScoredPair[])[];
}

/** Number of characters (code points), as Python counts them. */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** Runs of two arms that are compared: run k with run k, or with the only one. */
export function runPairs(baselineRuns: number, armRuns: number): { run: number; baselineRun: number }[] {
  const count = baselineRuns === 1 || armRuns === 1 ? Math.max(baselineRuns, armRuns) : Math.min(baselineRuns, armRuns);
  return Array.from({ length: count }, (_, k) => ({
    run: armRuns === 1 ? 1 : k + 1,
    baselineRun: baselineRuns === 1 ? 1 : k + 1,
  }));
}

/** Lengths of all answers, by arm, run and row; NaN where there is none. */
export type Lengths = ReadonlyMap<string, readonly Float64Array[]>;

/** Lengths in characters (code points). */
export const lengthsOf = ({ arms }: Pick<Evaluation, 'arms'>): Lengths =>
  new Map(
    [...arms].map(([arm, runs]) => [
      arm,
      runs.map((answers) => Float64Array.from(answers, (one) => (one ? codePoints(one.output) : Number.NaN))),
    ]),
  );

const keyOf = ({ judge, set, id, baseline, arm, run, baselineRun }: Omit<Verdict, 'state' | 'x' | 'orders'>): string =>
  JSON.stringify([judge, baseline, arm, run, baselineRun, set, id]);

/** Verdicts by what they are about. */
export type VerdictIndex = ReadonlyMap<string, Verdict>;

/** Indexes verdicts for {@link scoringOf}. */
export const indexVerdicts = (verdicts: readonly Verdict[]): VerdictIndex =>
  new Map(verdicts.map((verdict) => [keyOf(verdict), verdict]));

/** What an evaluation's verdicts are looked up in. */
export interface Lookup {
  readonly evaluation: Evaluation;
  readonly verdicts: VerdictIndex;
  readonly lengths: Lengths;
}

/** All pairs of an arm and another one, with what a judge says about them. */
export function scoringOf({ evaluation, verdicts, lengths }: Lookup, judge: string, arm: string, baseline: string) {
  const { rows, arms } = evaluation;
  const pairs = runPairs(arms.get(baseline)!.length, arms.get(arm)!.length).map(({ run, baselineRun }) =>
    rows.map(({ set, id }, row): ScoredPair => {
      const verdict = verdicts.get(keyOf({ judge, baseline, arm, run, baselineRun, set, id }));
      const longerBy = lengths.get(arm)![run - 1]![row]! - lengths.get(baseline)![baselineRun - 1]![row]!;
      const missing = verdict?.x === null || verdict === undefined;
      const reason = missing ? (verdict?.reason ?? (Number.isNaN(longerBy) ? 'no-answer' : 'not-asked')) : undefined;
      return { row, run, baselineRun, verdict, x: verdict?.x ?? Number.NaN, reason, longerBy };
    }),
  );
  return { arm, baseline, pairs } satisfies ArmScoring;
}

const POINTS = { arm: 1, tie: 0.5, baseline: 0 } as const;

/** The arm's score in one order of a pair, the mean of its repeats; NaN if it was not asked, or any is missing. */
export function orderScore(orders: readonly OrderVerdict[], first: OrderVerdict['first']): number {
  const asked = orders.filter((order) => order.first === first);
  return meanOf(asked.map(({ better }) => (better === null ? Number.NaN : POINTS[better])));
}

/** Log-odds in one order that the answer that stood first is better, as {@link orderScore}. */
export const orderLogOdds = (orders: readonly OrderVerdict[], first: OrderVerdict['first']): number =>
  meanOf(orders.filter((order) => order.first === first).map(({ logOdds }) => logOdds ?? Number.NaN));

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
