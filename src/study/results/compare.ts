import { groupBy } from '../../core/lists.js';
import { holm } from '../../statistics/holm.js';
import { standardDeviation } from '../../statistics/moments.js';
import { signFlip } from '../../statistics/sign-flip.js';
import { tTest } from '../../statistics/t-test.js';
import { tost } from '../../statistics/tost.js';
import { wilsonInterval } from '../../statistics/wilson.js';
import { blockOf, groupOf } from '../cell.js';
import type { StudyRecord } from '../study-record.js';
import type { Results } from './results.js';
import { type BlockNumber, type CellKey, differencesOf, finite, type Unit, unitOf } from './units.js';

/** What the analysis is, fixed before the first run. */
export type Analysis = Pick<StudyRecord['analysis'], 'better' | 'margin' | 'alpha' | 'control' | 'compare'>;

/** The values of a study's cells and what is asked of them. */
export interface ComparisonInput {
  /** All cells that are planned. */
  readonly cells: readonly CellKey[];
  /** The metric of each cell that counts, by id. */
  readonly values: ReadonlyMap<string, number>;
  readonly analysis: Analysis;
  /** Whether nothing is left to run; before that there is no test and no verdict. */
  readonly settled: boolean;
}

type Verdict = NonNullable<Results['comparisons'][number]['verdict']>;

/** Why a comparison is incomplete. */
export type Incomplete = 'few' | 'missing' | 'copies';

/** An arm against the control of its group: all figures that a verdict rests on, and the verdict. */
export interface Compared
  extends Pick<
    Results['comparisons'][number],
    | 'arm'
    | 'control'
    | 'axes'
    | 'family'
    | 'n'
    | 'planned'
    | 'units'
    | 'difference'
    | 'low'
    | 'high'
    | 'sd'
    | 'p'
    | 'pHolm'
    | 'signFlip'
    | 'equivalence'
    | 'withinMargin'
    | 'better'
  > {
  readonly verdict: Verdict | null;
  /** Why, where the verdict is `incomplete`. */
  readonly incomplete: Incomplete | null;
  /** Sign-flip p by Holm over the family; null where there is no test. */
  readonly signFlipHolm: number | null;
  /** Differences that the tests are of, one for each unit. */
  readonly differences: readonly number[];
}

/** Fewest units that a verdict rests on. */
export const FEWEST_UNITS = 3;
/** Largest share of missing blocks that one rests on. */
export const MOST_MISSING = 0.2;
/** Seed of the sign-flip test's draws, which only more than 16 units need. */
const FLIP_SEED = 0;

/** One comparison before the family is known. */
type Draft = Omit<Compared, 'pHolm' | 'signFlipHolm' | 'verdict' | 'withinMargin'>;

/**
 * Compares every arm with the control of its group, block by block, and gives the verdicts: a pure function of the
 * values. Comparisons come in the order of groups, then of arms.
 */
export function compareArms(input: ComparisonInput): Compared[] {
  const unit = unitOf(input.cells);
  const groups = [...groupBy(input.cells, groupOf).values()];
  const drafts = groups.flatMap((cells) => compareGroup(cells, unit, input));
  return decide(drafts, input);
}

function compareGroup(cells: readonly CellKey[], unit: Unit, input: ComparisonInput): Draft[] {
  const arms = groupBy(cells, ({ arm }) => arm);
  const control = arms.get(input.analysis.control) ?? [];
  return [...arms]
    .filter(([arm]) => arm !== input.analysis.control)
    .map(([arm, own]) => draft({ arm, axes: own[0]!.axes, own, control, unit }, input));
}

interface Pair {
  readonly arm: string;
  readonly axes: CellKey['axes'];
  readonly own: readonly CellKey[];
  readonly control: readonly CellKey[];
  readonly unit: Unit;
}

function draft({ arm, axes, own, control, unit }: Pair, { values, analysis, settled }: ComparisonInput): Draft {
  const { alpha, margin, better } = analysis;
  const ofControl = new Map(control.map((cell) => [blockOf(cell), cell]));
  const planned = own.filter((cell) => ofControl.has(blockOf(cell)));
  const pairs = planned.flatMap((cell) => {
    const [value, base] = [values.get(cell.id), values.get(ofControl.get(blockOf(cell))!.id)];
    return value === undefined || base === undefined ? [] : [{ ...cell, value, base }];
  });
  const blocks: BlockNumber[] = pairs.map(({ seed, split, value, base }) => ({ seed, split, value: value - base }));
  const differences = differencesOf(blocks, planned, unit);
  const units = differences.length;
  const { mean, low, high, p } = tTest(differences, 1 - alpha);
  const same = margin === null ? null : tost(differences, { margin, level: 1 - alpha });
  const tested = settled && units >= 2;
  const copies = units >= 2 && isFlat(pairs.map(({ value }) => value)) && isFlat(pairs.map(({ base }) => base));
  const incomplete =
    units < FEWEST_UNITS
      ? 'few'
      : planned.length - pairs.length > MOST_MISSING * planned.length
        ? 'missing'
        : copies
          ? 'copies'
          : null;
  return {
    arm,
    control: analysis.control,
    axes,
    family: analysis.compare.includes(arm),
    n: pairs.length,
    planned: planned.length,
    units,
    difference: finite(mean),
    low: finite(low),
    high: finite(high),
    sd: finite(standardDeviation(differences)),
    p: tested ? p : null,
    signFlip: tested ? signFlip(differences, { seed: FLIP_SEED }) : null,
    equivalence: same && units >= 2 ? { low: same.low, high: same.high, p: tested ? same.p : null, pHolm: null } : null,
    better: units === 0 ? null : betterShare(differences, better, alpha),
    incomplete,
    differences,
  };
}

const isFlat = (values: readonly number[]): boolean => values.every((value) => value === values[0]);

/** Share of units in which the arm is better, a tie for one half. */
function betterShare(differences: readonly number[], better: Analysis['better'], alpha: number) {
  const sign = better === 'lower' ? -1 : 1;
  const wins = differences.reduce((sum, one) => sum + (one === 0 ? 0.5 : Number(sign * one > 0)), 0);
  const [low, high] = wilsonInterval(wins, differences.length, 1 - alpha);
  return { share: wins / differences.length, low, high };
}

/** Adjusts over the families and gives the verdicts. */
function decide(drafts: readonly Draft[], { settled, analysis }: ComparisonInput): Compared[] {
  // A comparison of the family that cannot get a verdict still counts as one of it, as one that found nothing.
  const adjusted = (pOf: (one: Draft) => number | null) =>
    holm(drafts.map((one) => (!one.family ? Number.NaN : one.incomplete ? 1 : (pOf(one) ?? 1))));
  const differs = adjusted(({ p }) => p);
  const same = adjusted(({ equivalence }) => equivalence?.p ?? null);
  const flips = adjusted(({ signFlip }) => signFlip);
  return drafts.map((one, i) => {
    const tested = settled && one.family && !one.incomplete;
    const pHolm = tested ? differs[i]! : null;
    const equivalence = one.equivalence && { ...one.equivalence, pHolm: tested ? same[i]! : null };
    const compared = { ...one, pHolm, equivalence, signFlipHolm: tested ? flips[i]! : null };
    const verdict = settled && one.family ? verdictOf(compared, analysis) : null;
    const found = verdict === 'better' || verdict === 'worse';
    return { ...compared, verdict, withinMargin: found && isSame(equivalence, analysis.alpha) };
  });
}

/** The first that holds, in this order. */
function verdictOf(
  { incomplete, pHolm, equivalence, difference }: Pick<Compared, 'incomplete' | 'pHolm' | 'equivalence' | 'difference'>,
  { alpha, better }: Analysis,
): Verdict {
  if (incomplete || pHolm === null) return 'incomplete';
  if (pHolm < alpha) return difference! < 0 === (better === 'lower') ? 'better' : 'worse';
  return isSame(equivalence, alpha) ? 'same within margin' : 'not distinguishable';
}

/** Whether a difference is shown to be smaller than the margin, once all comparisons are counted. */
const isSame = (equivalence: Compared['equivalence'], alpha: number): boolean =>
  equivalence?.pHolm != null && equivalence.pHolm < alpha;
