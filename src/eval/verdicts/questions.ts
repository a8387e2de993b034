import type { MissingReason, PairJudge, PairOutcome, PairQuestion } from '../judge/pair-judge.js';
import type { Pair } from './pair-types.js';
import { drawFirst, settledUnasked } from './pairs.js';
import type { OrderVerdict, Verdict } from './verdict.js';

/** In which orders a pair is put before a judge: both, or one that is drawn. */
export type OrdersOption = 'both' | 'drawn';

/** How pairs are asked about. */
export interface AskedHow {
  readonly orders: OrdersOption;
  /** How often each order is asked. */
  readonly repeats: number;
}

/** A question about a pair, and which side stands first in it. */
export interface PairOrder {
  /** Place of its pair. */
  readonly pair: number;
  readonly first: 'baseline' | 'arm';
  readonly repeat: number;
}

/** Pairs, and the questions about those that are not settled without a judge. */
export interface VerdictPlan {
  readonly pairs: readonly Pair[];
  readonly repeats: number;
  /** What each question is about; the same places as in `questions`. */
  readonly orders: readonly PairOrder[];
  readonly questions: readonly PairQuestion[];
}

/**
 * The questions about pairs: each order of a pair beside the other, repeat after repeat. A judge
 * that does not depend on the order (`ordered: false`) is asked once.
 */
export function planVerdicts(
  pairs: readonly Pair[],
  { ordered }: Pick<PairJudge, 'ordered'>,
  how: AskedHow,
): VerdictPlan {
  const repeats = ordered ? how.repeats : 1;
  const orders: PairOrder[] = [];
  const questions: PairQuestion[] = [];
  for (const [index, pair] of pairs.entries()) {
    if (settledUnasked(pair)) continue;
    const firsts = ordered && how.orders === 'both' ? (['baseline', 'arm'] as const) : [drawFirst(pair)];
    for (let repeat = 0; repeat < repeats; repeat++)
      for (const first of firsts) {
        orders.push({ pair: index, first, repeat });
        questions.push(questionOf(pair, first, repeat));
      }
  }
  return { pairs, repeats, orders, questions };
}

function questionOf({ set, id, messages, answers }: Pair, first: 'baseline' | 'arm', repeat: number): PairQuestion {
  const { baseline = '', arm = '' } = answers;
  const texts = first === 'baseline' ? { first: baseline, second: arm } : { first: arm, second: baseline };
  return { item: `${set}/${id}`, messages, ...texts, ...(repeat > 0 && { repeat }) };
}

/**
 * What a judge says about all pairs, in their order. `outcomes` has the outcome of each question; an empty place is a
 * question that was not asked.
 */
export function verdictsOf(
  { pairs, repeats, orders }: VerdictPlan,
  outcomes: readonly (PairOutcome | undefined)[],
  judge: Pick<PairJudge, 'name' | 'combine'>,
): Verdict[] {
  const byPair = new Map<number, (OrderVerdict & { readonly turn: number })[]>();
  for (const [place, { pair, first, repeat }] of orders.entries()) {
    const verdict = orderVerdict(outcomes[place], first, repeats > 1 ? repeat + 1 : undefined);
    const known = byPair.get(pair);
    if (known) known.push({ ...verdict, turn: repeat });
    else byPair.set(pair, [{ ...verdict, turn: repeat }]);
  }
  return pairs.map((pair, index) => verdictOf(pair, byPair.get(index) ?? [], judge));
}

function orderVerdict(
  outcome: PairOutcome | undefined,
  first: 'baseline' | 'arm',
  repeat: number | undefined,
): OrderVerdict {
  const which = repeat === undefined ? {} : { repeat };
  if (!outcome) return { first, better: null, missing: 'not-asked', ...which };
  if ('missing' in outcome) {
    const { missing, message } = outcome;
    return { first, better: null, missing, ...which, ...(message !== undefined && { why: message }) };
  }
  const { choice, logOdds, why } = outcome;
  const second = first === 'arm' ? 'baseline' : 'arm';
  return {
    first,
    better: choice === 'tie' ? 'tie' : choice === 'first' ? first : second,
    ...(logOdds !== undefined && { logOdds }),
    ...which,
    ...(why !== undefined && { why }),
  };
}

function verdictOf(
  pair: Pair,
  asked: readonly (OrderVerdict & { readonly turn: number })[],
  { name, combine }: Pick<PairJudge, 'name' | 'combine'>,
): Verdict {
  const { set, id, baseline, arm, run, baselineRun } = pair;
  const about = { judge: name, set, id, baseline, arm, run, baselineRun };
  const unasked = settledUnasked(pair);
  if (unasked === 'no-answer') return { ...about, state: 'missing', x: null, orders: [], reason: 'no-answer' };
  if (unasked) return { ...about, state: unasked, x: 0.5, orders: [] };
  // A time that is missing an order would count one side's advantage of standing first.
  const lame = new Set(asked.flatMap(({ missing, turn }) => (missing === undefined ? [] : [turn])));
  const whole = asked.filter(({ turn }) => !lame.has(turn));
  const orders = asked.map(({ turn: _, ...order }) => order);
  if (whole.length > 0) return { ...about, state: 'judged', x: scoreOf(whole, combine), orders };
  return { ...about, state: 'missing', x: null, orders, reason: reasonOf(orders) };
}

function scoreOf(orders: readonly OrderVerdict[], combine: PairJudge['combine']): number {
  const logOdds = orders.flatMap(({ first, logOdds }) =>
    logOdds === undefined ? [] : [first === 'arm' ? logOdds : -logOdds],
  );
  if (combine && logOdds.length === orders.length) return combine(logOdds);
  const sum = orders.reduce((total, order) => total + shareOf(order), 0);
  return sum / orders.length;
}

/** How likely the arm's answer is better: by probabilities where they were measured, otherwise 1, 1/2 or 0. */
function shareOf({ first, better, logOdds }: OrderVerdict): number {
  if (logOdds !== undefined) return 1 / (1 + Math.exp(first === 'arm' ? -logOdds : logOdds));
  return better === 'tie' ? 0.5 : better === 'arm' ? 1 : 0;
}

/** What the judge said counts before what the endpoint did, and that before what was not asked. */
const REASONS: readonly MissingReason[] = [
  'refusal',
  'content-filter',
  'unreadable',
  'too-long',
  'endpoint',
  'no-answer',
  'not-asked',
];

const reasonOf = (orders: readonly OrderVerdict[]): MissingReason =>
  REASONS.find((reason) => orders.some(({ missing }) => missing === reason))!;
