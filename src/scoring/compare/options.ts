import * as z from 'zod';

/**
 * How scores of the same rows are compared.
 *
 * @example
 * const { resamples, level } = compareOptionsSchema.parse({ resamples: 500 });
 */
export const compareOptionsSchema = z.strictObject({
  stages: z.number().int().min(2).max(6).optional().describe('stages to cut into, to see whose stage changes [3]'),
  thresholds: z
    .array(z.number())
    .min(1)
    .max(5)
    .optional()
    .describe('cut all at these scores, where they are on one scale, instead of into stages of equal rows'),
  match: z
    .enum(['auto', 'id', 'content'])
    .default('auto')
    .describe('how rows are matched: by id, by what the user says in them, or by whichever matches more'),
  range: z
    .array(z.number())
    .length(2)
    .optional()
    .describe(
      'lowest and highest score of a scale that all scores are on, such as 1,5; scores beyond it are dropped and counted',
    ),
  resamples: z
    .number()
    .int()
    .min(0)
    .max(100_000)
    .default(1000)
    .describe('bootstrap resamples of the rows for the intervals; 0 turns the intervals off'),
  level: z.number().min(0.5).max(0.999).default(0.95).describe('confidence level of the intervals'),
  worst: z.number().int().min(0).default(20).describe('number of worst disagreements to list for each pair'),
  seed: z.number().int().min(0).default(0).describe('seed of the resamples, and of ties at a cut'),
});

/** See {@link compareOptionsSchema}. */
export type CompareOptions = z.infer<typeof compareOptionsSchema>;
