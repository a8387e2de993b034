import * as z from 'zod';

/**
 * How the result of an evaluation is computed.
 *
 * @example
 * const { level, maxMissing } = reportOptionsSchema.parse({});
 */
export const reportOptionsSchema = z.strictObject({
  level: z.number().gt(0).lt(1).default(0.95).describe('confidence level of the intervals, and of the verdicts'),
  resamples: z.number().int().min(100).max(1_000_000).default(10_000).describe('bootstrap resamples of the intervals'),
  seed: z.number().int().min(0).default(0).describe('seed of the choice of rows, of sampled answers and of resamples'),
  maxMissing: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe('largest share of missing verdicts with which an arm still gets a verdict'),
  against: z.string().min(1).optional().describe("name of another judge, to compare the main judge's verdicts with"),
});

/** See {@link reportOptionsSchema}. */
export type ReportOptions = z.infer<typeof reportOptionsSchema>;
