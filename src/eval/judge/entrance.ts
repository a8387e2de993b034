import * as z from 'zod';
import type { EvalRow } from '../sets/eval-row.js';
import { type EntranceCase, type EntrancePair, entrancePairs } from './entrance-pairs.js';
import { choiceOfLogOdds, pairLogOdds } from './log-odds.js';
import type { JudgeKind, PairJudge, PairOutcome, PairQuestion } from './pair-judge.js';

/**
 * Whether judges are tested before they judge.
 *
 * @example
 * const { entranceRows } = entranceOptionsSchema.parse({});
 */
export const entranceOptionsSchema = z.strictObject({
  entrance: z
    .boolean()
    .default(true)
    .describe("test each judge first, on the sets' own answers; without the test its figures are exploratory"),
  entranceRows: z.number().int().min(1).default(200).describe('rows of the entrance test'),
});

/** How often a judge was right. Shares are 0 to 1. */
export interface EntranceShare {
  /** Pairs in which it found the own answer better, ties half, as a share of those that it judged. */
  readonly right: number;
  /** 95 % interval (Wilson 1927). */
  readonly low: number;
  readonly high: number;
  readonly pairs: number;
  readonly missing: number;
  /** What the lower bound must reach. */
  readonly needed: number;
}

/** What the entrance test found. */
export interface EntranceResult {
  /** `cannot tell`: there were too few rows. Only `passed` makes a judge's figures more than exploratory. */
  readonly state: 'passed' | 'failed' | 'cannot tell';
  /** Rows that pairs were made of, and how many were wanted. */
  readonly rows: number;
  readonly wanted: number;
  readonly seed: number;
  /** Own answer against another row's of similar length. */
  readonly other: EntranceShare;
  /** Own answer against its own words in another order. */
  readonly scrambled: EntranceShare;
  /** Share of these pairs in which both orders name the same answer, or a tie; null for a judge without orders. */
  readonly consistency: number | null;
  /** How much more often the first answer is chosen than the second, in points; null as above. */
  readonly position: number | null;
  /** Equal answers: how often it found them equal, or the first better. */
  readonly equal: { readonly pairs: number; readonly tied: number; readonly first: number };
  /** Mean probability of the labels together, for a judge that measures it. */
  readonly mass?: number;
  /** Why it did not pass, in words. */
  readonly reasons: readonly string[];
}

const NEEDED = { other: 0.75, scrambled: 0.85, consistency: 0.5 } as const;
/** Of so few pairs not even a judge that is always right has a lower bound of 85 %: n / (n + 1.96²). */
const LEAST_PAIRS = 22;
/** Share of pairs that may have no verdict. */
const MOST_MISSING = 0.05;
/** Quantile of the normal distribution for 95 %, two-sided. */
const Z = 1.959963984540054;

/** How far the test is, in questions. */
export interface EntranceProgress {
  readonly done: number;
  readonly total: number;
}

/** How many rows are drawn, by which seed. */
export interface EntranceOptions {
  readonly rows: number;
  readonly seed: number;
}

/** The test's questions, and what its outcomes say. */
export interface EntrancePlan {
  readonly questions: readonly PairQuestion[];
  /** The outcome of each question; an empty place is a question that was not asked. */
  resultOf(outcomes: readonly (PairOutcome | undefined)[]): EntranceResult;
}

/**
 * Plans the test of a judge on pairs whose better answer is known, made of the rows' own answers:
 * it must find an answer that belongs to its question, and one whose words are in order, and say
 * the same when the two change places.
 */
export function planEntrance(
  rows: readonly EvalRow[],
  options: EntranceOptions,
  judge: Pick<PairJudge, 'ordered' | 'kind'>,
): EntrancePlan {
  const asking = entrancePairs(rows, options).map((pair) => ({ pair, asked: questionsOf(pair, judge.ordered) }));
  return {
    questions: asking.flatMap(({ asked }) => asked),
    resultOf(outcomes) {
      let next = 0;
      const judged = asking.map(({ pair, asked }) => ({
        pair,
        outcomes: asked.map(() => outcomes[next++] ?? NOT_ASKED),
      }));
      return resultOf(judged, options, judge);
    },
  };
}

/** Takes the test. Undefined when `signal` was aborted before the end. */
export async function* runEntrance(
  judge: PairJudge,
  rows: readonly EvalRow[],
  options: EntranceOptions,
  signal?: AbortSignal,
): AsyncGenerator<EntranceProgress, EntranceResult | undefined> {
  const { questions, resultOf } = planEntrance(rows, options, judge);
  const outcomes: PairOutcome[] = [];
  let done = 0;
  for await (const { index, outcome } of judge.judge(questions, signal)) {
    outcomes[index] = outcome;
    yield { done: ++done, total: questions.length };
  }
  return signal?.aborted && done < questions.length ? undefined : resultOf(outcomes);
}

const NOT_ASKED: PairOutcome = { missing: 'not-asked' };

/** Both orders; one where the order does not matter, since the judge knows none or the answers are equal. */
function questionsOf({ item, messages, own, against, case: kind }: EntrancePair, ordered: boolean): PairQuestion[] {
  const first = { item: `entrance ${kind} ${item}`, messages, first: own, second: against };
  return ordered && kind !== 'equal' ? [first, { ...first, first: against, second: own }] : [first];
}

interface Judged {
  readonly pair: EntrancePair;
  readonly outcomes: readonly PairOutcome[];
}

type Given = Extract<PairOutcome, { choice: string }>;

function resultOf(
  all: readonly Judged[],
  { rows: wanted, seed }: EntranceOptions,
  { ordered, kind }: Pick<PairJudge, 'ordered' | 'kind'>,
): EntranceResult {
  const ofCase = (kind: EntranceCase) => all.filter(({ pair }) => pair.case === kind);
  const whole = (judged: readonly Judged[]) => judged.flatMap(({ outcomes }) => given(outcomes) ?? []);
  const share = (kind: 'other' | 'scrambled'): EntranceShare => {
    const judged = ofCase(kind).map(({ outcomes }) => given(outcomes));
    const scores = judged.flatMap((one) => (one ? [rightOf(one)] : []));
    return { ...wilson(scores), missing: judged.length - scores.length, needed: NEEDED[kind] };
  };
  const [other, scrambled] = [share('other'), share('scrambled')];
  const two = [...ofCase('other'), ...ofCase('scrambled')].flatMap(({ outcomes }) => {
    const both = given(outcomes);
    return both && ordered ? [both] : [];
  });
  const equal = whole(ofCase('equal')) as Given[];
  const masses = whole(all).flatMap(({ mass }) => (mass === undefined ? [] : [mass]));
  const rows = ofCase('other').length;
  const figures = {
    rows,
    wanted,
    seed,
    other,
    scrambled,
    consistency: ordered && two.length > 0 ? mean(two.map(consistent)) : null,
    position: ordered && two.length > 0 ? 100 * mean(two.flat().map(({ choice }) => PLACE[choice])) : null,
    equal: {
      pairs: equal.length,
      tied: mean(equal.map(({ choice }) => Number(choice === 'tie'))),
      first: mean(equal.map(({ choice }) => Number(choice === 'first'))),
    },
    ...(masses.length > 0 && { mass: mean(masses) }),
  };
  return { ...verdictOn(figures, kind), ...figures };
}

const PLACE = { first: 0.5, tie: 0, second: -0.5 } as const;

/** All outcomes of a pair; undefined where one is missing, which is not half a verdict. */
const given = (outcomes: readonly PairOutcome[]): readonly Given[] | undefined =>
  outcomes.every((one): one is Given => 'choice' in one) ? outcomes : undefined;

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

const SCORE = { first: 1, tie: 0.5, second: 0 } as const;

/** 1 where the own answer was found better, by both orders together; 1/2 for a tie. */
function rightOf([ab, ba]: readonly Given[]): number {
  if (ba === undefined) return SCORE[ab!.choice];
  if (ab!.logOdds !== undefined && ba.logOdds !== undefined)
    return SCORE[choiceOfLogOdds(pairLogOdds(ab!.logOdds, ba.logOdds).preference)];
  const score = (SCORE[ab!.choice] + 1 - SCORE[ba.choice]) / 2;
  return score > 0.5 ? 1 : score < 0.5 ? 0 : 0.5;
}

const consistent = ([ab, ba]: readonly Given[]): number => Number(SCORE[ab!.choice] === 1 - SCORE[ba!.choice]);

/** Share and its 95 % interval by Wilson's score, which stays within 0 and 1; ties make it wider than need be. */
function wilson(scores: readonly number[]): Pick<EntranceShare, 'right' | 'low' | 'high' | 'pairs'> {
  const n = scores.length;
  if (n === 0) return { right: 0, low: 0, high: 1, pairs: 0 };
  const p = mean(scores);
  const middle = (p + Z ** 2 / (2 * n)) / (1 + Z ** 2 / n);
  const half = (Z * Math.sqrt((p * (1 - p)) / n + Z ** 2 / (4 * n ** 2))) / (1 + Z ** 2 / n);
  return { right: p, low: Math.max(0, middle - half), high: Math.min(1, middle + half), pairs: n };
}

type Figures = Omit<EntranceResult, 'state' | 'reasons'>;

function verdictOn(figures: Figures, kind: JudgeKind): Pick<EntranceResult, 'state' | 'reasons'> {
  const { other, scrambled, consistency, rows, wanted } = figures;
  const tests = [
    { share: other, what: "a row's own answer better than another row's of similar length" },
    { share: scrambled, what: 'an answer better than its own words in another order' },
  ];
  const missing = other.missing + scrambled.missing;
  const silent = missing > MOST_MISSING * 2 * rows;
  const short = tests.filter(({ share }) => share.low < share.needed);
  const fickle = consistency !== null && consistency < NEEDED.consistency;
  const reasons = [
    ...(silent ? [`it gave no verdict on ${missing} of ${2 * rows} pairs`] : []),
    ...short.map(({ share, what }) => shortOf(share, what)),
    ...(fickle
      ? [`its two orders agree in ${percent(consistency)} of pairs; at least ${percent(NEEDED.consistency)} are needed`]
      : []),
    // It passes otherwise, though it finds half of an answer as good as all of it.
    ...(kind === 'likelihood'
      ? ['likelihood is a control: it cannot see whether an answer is complete, or correct, so it gives no verdict']
      : []),
  ];
  if (Math.min(other.pairs, scrambled.pairs) < LEAST_PAIRS && !silent)
    return { state: 'cannot tell', reasons: [`cannot tell: ${rows} rows, and at least ${LEAST_PAIRS} are needed`] };
  if (reasons.length === 0) return { state: 'passed', reasons };
  const open =
    !silent &&
    !fickle &&
    kind !== 'likelihood' &&
    rows < wanted &&
    short.every(({ share }) => share.high >= share.needed);
  return open
    ? { state: 'cannot tell', reasons: [`cannot tell: ${rows} rows of ${wanted}`, ...reasons] }
    : { state: 'failed', reasons };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const shortOf = ({ right, low, high, pairs, needed }: EntranceShare, what: string): string =>
  `it finds ${what} in ${percent(right)} of ${pairs} pairs (95 % interval ${percent(low)} to ${percent(high)}); the lower bound must reach ${percent(needed)}`;
