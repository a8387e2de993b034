import * as z from 'zod';
import { FAILURES } from '../state.js';

const count = z.number().int().min(0);
const number = z.number().nullable();
const interval = z.strictObject({ low: z.number(), high: z.number() });
const axes = z.record(z.string(), z.string());

/** Verdicts, in the order that they are tried. */
const VERDICTS = ['incomplete', 'better', 'worse', 'same within margin', 'not distinguishable'] as const;

/** The metric of one cell that is done. */
const valueSchema = z.strictObject({ cell: z.string(), seed: count, split: count, value: z.number() });

const armSchema = z.strictObject({
  arm: z.string(),
  axes,
  /** Cells that are done, and that are planned. */
  n: count,
  planned: count,
  mean: number,
  sd: number,
  /** t interval of the mean; null for fewer than two cells. */
  interval: interval.nullable(),
  values: z.array(valueSchema),
  /** Mean trained tokens of a cell. */
  trainedTokens: number,
  /**
   * Mean held-out loss by stage trained (`after`, 0 is the base) and band of the study's own cut, that of the control;
   * nats per token. Null where it is not finite, or a band has no rows.
   */
  matrix: z.array(z.strictObject({ after: count, losses: z.array(number), all: number })),
});

const comparisonSchema = z.strictObject({
  arm: z.string(),
  control: z.string(),
  axes,
  /** Whether it belongs to the family that Holm adjusts and a verdict is given for. */
  family: z.boolean(),
  /** Blocks that both have. */
  n: count,
  planned: count,
  /** Seeds or splits that the figures are over, see `unit`: as many as blocks where there is one split. */
  units: count,
  /** Mean of arm minus control over units, with its t interval; null where there is none, or fewer than 2. */
  difference: number,
  low: number,
  high: number,
  sd: number,
  /**
   * Paired t test, two-sided; `pHolm` adjusted over the family; `signFlip` the exact permutation p. All are null while
   * cells are not settled, and `pHolm` where the comparison is incomplete or not of the family.
   */
  p: number,
  pHolm: number,
  signFlip: number,
  /** Two one-sided tests with the study's margin; null without one. */
  equivalence: z.strictObject({ low: number, high: number, p: number, pHolm: number }).nullable(),
  /** Null while cells are not settled, where it is withheld (a judge that failed), and outside the family. */
  verdict: z.enum(VERDICTS).nullable(),
  /** Under better and worse: the difference is also shown to be smaller than the margin. */
  withinMargin: z.boolean(),
  /** The answer in a sentence. */
  sentence: z.string(),
  /** What the report says beside the verdict, such as a permutation test that disagrees. */
  notes: z.array(z.string()),
  /** Share of units in which the arm is better than the control (ties ½), with Wilson's interval. */
  better: z.strictObject({ share: z.number(), low: z.number(), high: z.number() }).nullable(),
  /**
   * Interval over seeds and held-out rows (crossed bootstrap); null under 8 seeds, under 30 rows a band, and where
   * splits are the units, whose interval is about other rows already.
   */
  rows: interval.nullable(),
  /** Differences by band of the study's own cut, without verdict. */
  bands: z.array(z.strictObject({ band: count, difference: number, low: number, high: number })),
  /** Smallest difference found with power 0.8 at this n and sd, and the seeds that would find the margin. */
  power: z.strictObject({ leastDifference: number, seedsForMargin: count.nullable() }),
});

/** An arm against the control over several data sets (values of the axis `dataset`), from three on; without verdict. */
const dataSetsSchema = z.strictObject({
  arm: z.string(),
  control: z.string(),
  /** The other axes. */
  axes,
  dataSets: count,
  /** Interquartile mean of the differences of all data sets, with its bootstrap interval over other runs. */
  difference: z.number(),
  low: z.number(),
  high: z.number(),
  /** Mean over data sets of the share of units in which the arm is better. */
  better: z.number(),
});

/** Two-way table of arms and blocks that are complete; shares of the variance, 0 to 1. Not of win rates. */
const componentsSchema = z.strictObject({
  axes,
  blocks: count,
  arms: z.number(),
  block: z.number(),
  rest: z.number(),
  /** Correlation that pairing by block uses, and the share of the variance of a difference that it saves. */
  pairing: z.number(),
  saved: z.number(),
});

const missingSchema = z.strictObject({
  arm: z.string(),
  axes,
  planned: count,
  missing: count,
  /** By state (`waiting`, `interrupted`) or failure, how many. */
  reasons: z.record(z.string(), count),
  /** Of failed cells: the error, first of each kind. */
  examples: z.array(z.strictObject({ cell: z.string(), failure: z.enum(FAILURES), reason: z.string() })),
});

/** Schema of `results.json`. The same cells give the same bytes: no times, no hosts. */
export const resultsSchema = z.strictObject({
  schema: z.literal('phasetune/results'),
  version: z.literal(1),
  /** Hash of the study. */
  study: z.string(),
  metric: z.strictObject({ name: z.string(), unit: z.enum(['nats', 'points']), better: z.enum(['lower', 'higher']) }),
  margin: number,
  alpha: z.number(),
  control: z.string(),
  /**
   * What counts as one observation. `seed`: differences are averaged over the splits, of which there are at most two,
   * within each seed. `split`: they are averaged over the seeds within each split.
   */
  unit: z.enum(['seed', 'split']),
  /** Blocks planned and blocks that all arms have. */
  blocks: z.strictObject({ planned: count, complete: count }),
  /** False while cells are not settled, or where the study was finished before all of them ran. */
  complete: z.boolean(),
  /** What the reader must know before any figure: seeds added later, unequal missing, changes that were forced. */
  warnings: z.array(z.string()),
  arms: z.array(armSchema),
  comparisons: z.array(comparisonSchema),
  /** Empty under three data sets. */
  dataSets: z.array(dataSetsSchema),
  components: z.array(componentsSchema),
  /** Arms with missing cells; empty where none are missing. */
  missing: z.array(missingSchema),
  /** Fisher's exact p that missing cells are spread equally over arms; null where none are missing. */
  missingDiffers: number,
});

/** See {@link resultsSchema}. */
export type Results = z.infer<typeof resultsSchema>;
