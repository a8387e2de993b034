import * as z from 'zod';

const intervalSchema = z.strictObject({
  /** Null where it is not defined. */
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});

/** How often two kinds of raters say the same. */
const agreementSchema = z.strictObject({
  /** Votes that are compared, of so many pairs. */
  votes: z.number().int().min(0),
  pairs: z.number().int().min(0),
  /** Share of equal votes, 0 to 1, a tie being a vote like the others. */
  agreement: intervalSchema,
  /** The same of those in which neither said tie. */
  decided: intervalSchema,
  /** Cohen's kappa: 0 for chance, 1 for equal votes. */
  kappa: intervalSchema,
});

/** How often two kinds of raters say the same. */
export type Agreement = z.infer<typeof agreementSchema>;

/** A value with its interval. */
export type Interval = z.infer<typeof intervalSchema>;

const count = z.number().int().min(0);
const rateSchema = z.strictObject({
  /** In percent; null where nothing is known. */
  winRate: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  n: count,
});

const correctedSchema = z.strictObject({
  ...rateSchema.shape,
  /** How much the judge's verdicts on the other pairs count: 0 not at all. */
  weight: z.number(),
});

/** Schema of `people` in `result.json`: what people say, and what that says about the judge. */
export const peopleSchema = z.strictObject({
  people: z.array(z.strictObject({ name: z.string(), rated: count })),
  /** Pairs that somebody rated. */
  pairs: count,
  /** Cells that are no rating, and pairs whose answers have changed since: neither counts. */
  unreadable: z.array(z.string()),
  outdated: count,
  /** Of each judge with each person's votes; the first is the judge of the headline. */
  judges: z.record(z.string(), agreementSchema),
  /** Of people with each other: more cannot be asked of a judge. Null where no pair has two ratings. */
  amongPeople: agreementSchema.nullable(),
  /** By arm, against the baseline. */
  arms: z.record(
    z.string(),
    z.strictObject({
      /** What people say of the pairs that they rated. */
      people: rateSchema,
      /** What the judge says of the same pairs, and of all that it was asked about. */
      judgeSame: rateSchema,
      judge: rateSchema,
      /** What people would say of all, by people's votes and the judge's; null for fewer than two rated pairs. */
      corrected: correctedSchema.nullable(),
    }),
  ),
});

/** See {@link peopleSchema}. */
export type People = z.infer<typeof peopleSchema>;

/** A win rate in percent with its interval. */
export type PeopleRate = z.infer<typeof rateSchema>;
