import { binomialInterval } from '../../statistics/binomial.js';
import type { AnswerChecks } from '../answers/answer-row.js';
import { meetsAll } from './constraints.js';

/**
 * How many of an arm's answers have something, of those that could: shares from 0 to 1 with an
 * exact binomial interval.
 */
export interface CheckRate {
  readonly count: number;
  readonly of: number;
  /** Null where there are none. */
  readonly share: number | null;
  readonly low: number;
  readonly high: number;
}

/** Checks that every answer has; in the order in which they are shown. */
export const FAULTS = ['empty', 'cut', 'refusal', 'loop', 'copy', 'otherScript'] as const;

/** Checks that only answers to rows with a reference have. */
export const MATCHES = ['exactMatch', 'normalizedMatch', 'jsonMatch'] as const;

/** Constraints that an arm's answers meet, as IFEval counts them. */
export interface ConstraintRates {
  /** Rows all of whose constraints are met; rows of which an unchecked one decides are left out. */
  readonly promptStrict: CheckRate;
  readonly promptLoose: CheckRate;
  /** Constraints that are met. */
  readonly instructionStrict: CheckRate;
  readonly instructionLoose: CheckRate;
  /** Constraints that are not checked, by name. */
  readonly unchecked: Readonly<Record<string, number>>;
}

/** What the local checks found in the answers of an arm; what no answer has is absent. */
export type CheckRates = Readonly<Record<(typeof FAULTS)[number], CheckRate>> &
  Readonly<Partial<Record<(typeof MATCHES)[number], CheckRate>>> & { readonly constraints?: ConstraintRates };

/**
 * Shares of answers that are empty, cut and so on, that match, and that meet their constraints. The
 * answers of several runs of an arm are counted together, as if each were a row. Intervals are
 * those of Clopper and Pearson, which hold for small counts too, and the whole range where there
 * are no answers.
 */
export function checkRates(answers: readonly AnswerChecks[], level = 0.95): CheckRates {
  const rate = (values: readonly (boolean | null | undefined)[]) => rateOf(values, level);
  const faults = FAULTS.map((name) => [name, rate(answers.map((checks) => checks[name]))] as const);
  const matches = MATCHES.filter((name) => answers.some((checks) => checks[name] !== undefined)).map(
    (name) => [name, rate(answers.map((checks) => checks[name]))] as const,
  );
  const constraints = answers.flatMap((checks) => (checks.constraints ? [checks.constraints] : []));
  const each = constraints.flat();
  return {
    ...(Object.fromEntries(faults) as Record<(typeof FAULTS)[number], CheckRate>),
    ...Object.fromEntries(matches),
    ...(constraints.length > 0 && {
      constraints: {
        promptStrict: rate(constraints.map((list) => meetsAll(list, 'strict'))),
        promptLoose: rate(constraints.map((list) => meetsAll(list, 'loose'))),
        instructionStrict: rate(each.map(({ strict }) => strict)),
        instructionLoose: rate(each.map(({ loose }) => loose)),
        unchecked: uncheckedIn(each.filter(({ strict }) => strict === null).map(({ name }) => name)),
      },
    }),
  };
}

function rateOf(values: readonly (boolean | null | undefined)[], level: number): CheckRate {
  const known = values.filter((value) => typeof value === 'boolean');
  const count = known.filter(Boolean).length;
  const of = known.length;
  const [low, high] = of === 0 ? [0, 1] : binomialInterval(count, of, level);
  return { count, of, share: of === 0 ? null : count / of, low, high };
}

function uncheckedIn(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
