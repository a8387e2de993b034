import * as z from 'zod';
import { binomialInterval } from '../../statistics/binomial.js';
import type { AnswerChecks } from '../answers/answer-row.js';
import { meetsAll } from './constraints.js';

const count = z.number().int().min(0);
const share = z.number().min(0).max(1);

const rateSchema = z.strictObject({
  count,
  /** Answers, rows or constraints that could have it. */
  of: count,
  /** Null where there are none. */
  share: share.nullable(),
  low: share,
  high: share,
});

const constraintRatesSchema = z.strictObject({
  /** Rows all of whose constraints are met; rows of which an unchecked one decides are left out. */
  promptStrict: rateSchema,
  promptLoose: rateSchema,
  /** Constraints that are met. */
  instructionStrict: rateSchema,
  instructionLoose: rateSchema,
  /** Constraints that are not checked, by name. */
  unchecked: z.record(z.string(), count),
});

/** Schema of what the local checks found in the answers of an arm; what no answer has is absent. */
export const checkRatesSchema = z.strictObject({
  empty: rateSchema,
  cut: rateSchema,
  refusal: rateSchema,
  loop: rateSchema,
  copy: rateSchema,
  otherScript: rateSchema,
  exactMatch: rateSchema.optional(),
  normalizedMatch: rateSchema.optional(),
  jsonMatch: rateSchema.optional(),
  constraints: constraintRatesSchema.optional(),
});

/** See {@link checkRatesSchema}. */
export type CheckRates = z.infer<typeof checkRatesSchema>;

const FAULTS = ['empty', 'cut', 'refusal', 'loop', 'copy', 'otherScript'] as const;
const MATCHES = ['exactMatch', 'normalizedMatch', 'jsonMatch'] as const;

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
    ...(Object.fromEntries(faults) as Pick<CheckRates, (typeof FAULTS)[number]>),
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

function rateOf(values: readonly (boolean | null | undefined)[], level: number): CheckRates['empty'] {
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
