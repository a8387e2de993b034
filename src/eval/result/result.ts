import * as z from 'zod';
import { checkRatesSchema } from '../checks/rates.js';
import type { Diagnosis } from '../diagnosis/diagnosis.js';
import { peopleSchema } from '../people/people-schema.js';

const count = z.number().int().min(0);
const share = z.number().min(0).max(1);
const name = z.string();
const byName = <T extends z.ZodType>(schema: T) => z.record(z.string(), schema);

/** A mean with its interval. Null where there is nothing to compute it from. */
const meanSchema = z.strictObject({
  mean: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** Rows that it is computed from. */
  n: count,
});

const rateFields = {
  /** In percent; null without a verdict. */
  winRate: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** Verdicts that it is computed from. */
  n: count,
};

/** A win rate in percent with its interval. */
export const rateSchema = z.strictObject(rateFields);

const lengthControlledSchema = z.strictObject({
  winRate: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  standardError: z.number().nullable(),
  /** The smaller of the shares of rows in which either arm's answer is the longer, 0 to 1. */
  overlap: share,
  /** `extrapolated`: the overlap is under 20 %. `none`: it is under 5 %, or the fit has no solution. */
  state: z.enum(['shown', 'extrapolated', 'none']),
});

const boundsSchema = z.strictObject({ low: z.number(), high: z.number() });

const armResultSchema = z.strictObject({
  ...rateFields,
  /** Pairs that were to be judged: `n` and `missing`. */
  rows: count,
  /** Pairs of training runs (seeds) that are compared: 1 if both sides have one. */
  runs: count.min(1),
  /** Standard deviation of the win rate over the resamples, in points. */
  standardError: z.number().nullable(),
  wins: count,
  ties: count,
  losses: count,
  missing: count,
  missingBy: byName(count),
  /** The win rate if all missing pairs were lost, or won; null where none is missing. */
  bounds: boundsSchema.nullable(),
  /** Two-sided, sign-flip permutation; `pHolm` is adjusted over the arms; `signP` is the exact sign test. */
  p: z.number().nullable(),
  pHolm: z.number().nullable(),
  signP: z.number().nullable(),
  /** `exploratory`: the judge did not pass. `withheld`: too much is missing. */
  verdict: z.enum(['better', 'worse', 'not distinguishable', 'exploratory', 'withheld']),
  /** The answer in a sentence. */
  sentence: z.string(),
  /** Least difference from 50 that so many rows show with a power of 80 %, in points; null where nothing varies. */
  leastDifference: z.number().nullable(),
  /** Share of pairs in which both orders agree, 0 to 1; null for a judge that has no orders. */
  consistency: share.nullable(),
  /** How much more often the first answer is chosen than the second, in points; null as above. */
  position: z.number().nullable(),
  lengthControlled: lengthControlledSchema.nullable(),
  /** Mean length of the answers in characters (code points), and in tokens where known. */
  averageLength: z.number().nullable(),
  averageTokens: z.number().nullable(),
  /** Share of pairs in which the arm's answer is the longer one, and the baseline's. */
  longer: share.nullable(),
  shorter: share.nullable(),
  bySet: byName(rateSchema),
  byBand: byName(rateSchema),
});

const judgeSchema = z.strictObject({
  name,
  kind: z.enum(['llm', 'letters', 'likelihood', 'length']),
  /** Pairs that have a verdict, and those of them that were asked about. */
  verdicts: count,
  asked: count,
  consistency: share.nullable(),
  /** Cohen's kappa of the two orders. */
  kappa: z.number().nullable(),
  position: z.number().nullable(),
  /** The same in nats, for a judge that measures log-odds. */
  positionLogOdds: z.number().nullable(),
  /** Share of decided pairs of unequal length in which the longer answer won. */
  longerWins: share.nullable(),
  /** Share of asked pairs about which a rule that always prefers the longer answer says the same. */
  lengthAgreement: share.nullable(),
  /** How often it says the same about the same question, where it was asked several times. */
  repeatability: z.strictObject({ agreement: share, questions: count }).nullable(),
  entrance: z.record(z.string(), z.unknown()).nullable(),
  spent: z.strictObject({ requests: count, dollars: z.number(), tokens: count }).nullable(),
  /** Why its figures are exploratory; empty where they are not. */
  problems: z.array(z.string()),
});

const controlSchema = z.strictObject({
  kind: judgeSchema.shape.kind,
  control: z.boolean(),
  arms: byName(
    z.strictObject({
      ...rateFields,
      missing: count,
      lengthControlled: lengthControlledSchema.nullable(),
    }),
  ),
  /** Share of the pairs that both judged about which it says the same as the judge, and kappa. */
  agreement: z.strictObject({ share: share.nullable(), kappa: z.number().nullable(), pairs: count }),
});

const matchSchema = byName(
  z.strictObject({
    /** Share of the rows in percent. */
    ...meanSchema.shape,
    /** The arm's share minus the baseline's on the same rows, in points; null for the baseline. */
    difference: meanSchema.nullable(),
  }),
);

const answersSchema = z.strictObject({
  answers: count,
  empty: count,
  cut: count,
  refusal: count,
  loop: count,
  copy: count,
  otherScript: count,
  /** Quartiles of the length in characters (code points). */
  length: z.strictObject({ low: z.number(), median: z.number(), high: z.number() }).nullable(),
  /** The same as shares with intervals, and constraints one by one. */
  rates: checkRatesSchema,
});

const lossSchema = z.strictObject({
  /** Mean over rows of a row's loss on its reference, in nats per token. */
  ...meanSchema.shape,
  difference: meanSchema.nullable(),
});

/** Agreement of two judges. */
const againstSchema = z.strictObject({
  judge: name,
  other: name,
  pairs: count,
  /** Share of pairs about which both say the same: with ties, and of the pairs that both decided. */
  agreement: share.nullable(),
  decided: share.nullable(),
  kappa: z.number().nullable(),
  /**
   * How well the judge's scores order the pairs that the other one decided, and how far off they
   * are as probabilities.
   */
  auc: z.number().nullable(),
  brier: z.number().nullable(),
  calibrationError: z.number().nullable(),
  arms: byName(z.strictObject({ judge: rateSchema, other: rateSchema })),
});

/** How a judge that reads letters compares with people or with a judge that is believed, on the same pairs. */
const calibrationSchema = z.strictObject({
  /** `people`, or the other judge's name; null without either. */
  against: name.nullable(),
  pairs: count,
  /** Pairs that both decided, and the share of them in which they name the same answer. */
  decided: count,
  agreement: share.nullable(),
  /** What the log-odds of its verdicts are divided by; 1 if not calibrated. */
  temperature: z.number(),
  /** Why it is not calibrated; null where it is. */
  notCalibrated: z.enum(['no other judge', 'few rows', 'opposed', 'separable']).nullable(),
  auc: z.number().nullable(),
  brier: z.number().nullable(),
  /** Expected calibration error in ten bins, 0 to 1. */
  calibrationError: z.number().nullable(),
  /** Win rates of the arms on these pairs by both, in percent. */
  winRate: z.strictObject({ judge: z.number(), against: z.number() }).nullable(),
});

const bradleyTerrySchema = z.strictObject({
  /** Strength of each arm in log-odds against the baseline, whose own is 0. */
  arms: byName(z.strictObject({ strength: z.number(), low: z.number().nullable(), high: z.number().nullable() })),
  /** How much the first answer is preferred, in log-odds; null for a judge without orders. */
  order: z.number().nullable(),
  pairs: count,
});

/** A row about which the judge said what could not be expected. */
const surprisingSchema = z.strictObject({
  set: name,
  id: z.string(),
  arm: name,
  run: count.min(1),
  x: share,
  expected: share,
});

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** Schema of `result.json`. The same files and options give the same bytes. */
export const resultSchema = z.strictObject({
  schema: z.literal('phasetune/evaluation-result'),
  version: z.literal(1),
  baseline: name,
  level: z.number(),
  resamples: count,
  seed: count,
  maxMissing: share,
  sets: z.array(z.strictObject({ name, rows: count })),
  /** Rows of all sets together. */
  rows: count,
  judge: judgeSchema.nullable(),
  arms: byName(armResultSchema),
  controls: byName(controlSchema),
  /** Exact, normalized and JSON matches with the reference, and constraints; only those that some row has. */
  matches: byName(matchSchema),
  losses: byName(lossSchema),
  answers: byName(answersSchema),
  missing: z.strictObject({
    pairs: count,
    missing: count,
    by: byName(count),
    /** Least p of Fisher's exact test that two arms miss verdicts equally often, adjusted; null for a single arm. */
    pDiffers: z.number().nullable(),
    /** Why there is no headline; empty where there is one. */
    problems: z.array(z.string()),
  }),
  warnings: z.array(z.string()),
  surprising: z.array(surprisingSchema),
  against: againstSchema.optional(),
  /** By judge; only judges that read letters. */
  calibration: byName(calibrationSchema).optional(),
  bradleyTerry: bradleyTerrySchema.optional(),
  /** Signatures of failure of each arm that is a curriculum. */
  diagnosis: byName(z.custom<Diagnosis>(isObject)).optional(),
  /** Ratings by people; see `src/eval/people`. */
  people: peopleSchema.optional(),
});

/** See {@link resultSchema}. */
export type EvaluationResult = z.infer<typeof resultSchema>;
/** How an arm does against the baseline. */
export type ArmResult = z.infer<typeof armResultSchema>;
/** A win rate in percent with its interval. */
export type Rate = z.infer<typeof rateSchema>;
/** The win rate at equal length. */
export type LengthControlled = z.infer<typeof lengthControlledSchema>;
/** What is known of the judge. */
export type JudgeFigures = z.infer<typeof judgeSchema>;
/** What a judge beside the main one says. */
export type ControlResult = z.infer<typeof controlSchema>;
/** What the local checks found in an arm's answers. */
export type AnswerFigures = z.infer<typeof answersSchema>;
/** A mean with its interval. */
export type Mean = z.infer<typeof meanSchema>;
/** Agreement of two judges. */
export type AgainstResult = z.infer<typeof againstSchema>;
/** A row about which the judge said what could not be expected. */
export type SurprisingRow = z.infer<typeof surprisingSchema>;
