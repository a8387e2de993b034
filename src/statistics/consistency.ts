import { confusion, kappa } from './kappa.js';
import { mean } from './moments.js';

/** What a judge said of the same pairs in both orders. */
export interface Consistency {
  /** Pairs with a verdict in both orders. */
  readonly pairs: number;
  /** Share of them in which both orders name the same winner, or tie twice; 0 to 1, null without pairs. */
  readonly consistent: number | null;
  /** Cohen's kappa of the two orders: 1 if they agree always, 0 for chance; null if chance would never disagree. */
  readonly kappa: number | null;
  /** How much more often than in half of the questions the first answer was chosen, in points; null without pairs. */
  readonly position: number | null;
}

/**
 * Consistency and position bias from the arm's score in the two orders: 1 won, ½ tied, 0 lost, or a probability, whose
 * winner is the side above one half. A pair with NaN (missing) in an order is left out. A judge that always says
 * "first" has consistency 0 and position 50.
 *
 * @param armFirst the arm's score for each pair where its answer stood first.
 * @param armSecond its score for the same pairs where the baseline's answer stood first.
 * @example
 * console.log(consistency([1, 1, 0.5], [1, 0, 0.5])); // consistent 2/3, position 16.7
 */
export function consistency(armFirst: ArrayLike<number>, armSecond: ArrayLike<number>): Consistency {
  checkPairs(armFirst, armSecond);
  const both = Array.from(armFirst, (_, i) => i).filter(
    (i) => !Number.isNaN(armFirst[i]!) && !Number.isNaN(armSecond[i]!),
  );
  if (both.length === 0) return { pairs: 0, consistent: null, kappa: null, position: null };
  const winner = (score: number) => 1 + Math.sign(score - 0.5);
  const [a, b] = [both.map((i) => armFirst[i]!), both.map((i) => armSecond[i]!)];
  const table = confusion(a.map(winner), b.map(winner), 3);
  const agreed = table[0]![0]! + table[1]![1]! + table[2]![2]!;
  const first = a.reduce((sum, score, i) => sum + score + 1 - b[i]!, 0);
  return {
    pairs: both.length,
    consistent: agreed / both.length,
    kappa: kappa(table) ?? null,
    position: 100 * (first / (2 * both.length) - 0.5),
  };
}

/**
 * Position bias in points where every pair was asked in one order only, drawn at random: the mean of what the two
 * halves say, so that the arm's strength cancels. NaN marks the order that was not asked. Pairs of several groups,
 * such as arms, are compared within their group (the regression on the order and the group), so that a strong arm that
 * happened to stand first more often is no bias. Null if no group was asked in both orders.
 *
 * @param groups a name for each pair; equal ones are a group. All pairs are one without it.
 * @example
 * console.log(drawnPosition([1, 0.5, Number.NaN, Number.NaN], [Number.NaN, Number.NaN, 0, 0.5])); // 25
 */
export function drawnPosition(
  armFirst: ArrayLike<number>,
  armSecond: ArrayLike<number>,
  groups?: ArrayLike<string>,
): number | null {
  checkPairs(armFirst, armSecond);
  const within = new Map<string, readonly [first: number[], second: number[]]>();
  for (let i = 0; i < armFirst.length; i++) {
    const group = groups?.[i] ?? '';
    const sides = within.get(group) ?? [[], []];
    within.set(group, sides);
    for (const [side, scores] of [armFirst, armSecond].entries())
      if (!Number.isNaN(scores[i]!)) sides[side]!.push(scores[i]!);
  }
  let [sum, weights] = [0, 0];
  for (const [a, b] of within.values()) {
    if (a.length === 0 || b.length === 0) continue;
    const weight = (a.length * b.length) / (a.length + b.length);
    sum += weight * (mean(a) - mean(b));
    weights += weight;
  }
  return weights === 0 ? null : (50 * sum) / weights;
}

/**
 * Position bias in nats: the mean of half the sum of a pair's two log-odds that the answer that stood first is better.
 * Pairs with NaN are left out; null without any.
 *
 * @example
 * console.log(positionLogOdds([1.5, 0.5], [-0.5, 0.5])); // 0.5
 */
export function positionLogOdds(armFirst: ArrayLike<number>, armSecond: ArrayLike<number>): number | null {
  checkPairs(armFirst, armSecond);
  const halves = Array.from(armFirst, (d, i) => (d + armSecond[i]!) / 2).filter((half) => !Number.isNaN(half));
  return halves.length === 0 ? null : mean(halves);
}

function checkPairs(first: ArrayLike<number>, second: ArrayLike<number>): void {
  if (first.length !== second.length)
    throw new RangeError(`expected as many verdicts in both orders, got ${first.length} and ${second.length}`);
}
