import * as z from 'zod';

/** Orders in which a run can go through the stages. */
export const ORDER_NAMES = ['phased', 'one-off', 'random', 'reversed', 'shuffled'] as const;

/**
 * How a run goes through the stages.
 *
 * @example
 * const { order, replay } = planOptionsSchema.parse({ order: 'reversed', replay: 0.1 });
 */
export const planOptionsSchema = z.strictObject({
  order: z
    .enum(ORDER_NAMES)
    .default('phased')
    .describe(
      'curriculum: phased from easy to hard, reversed, shuffled bands, random stages of random rows, one-off all rows at once',
    ),
  smoothness: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      'how gradually phased, reversed and shuffled pass from one band of difficulty to the next: 0 is one band per stage, 1 all bands in proportion in every stage',
    ),
  within: z
    .enum(['shuffle', 'score'])
    .default('shuffle')
    .describe('order of the rows within a stage: shuffled, or by increasing score (decreasing under reversed)'),
  replay: z
    .union([z.number().min(0), z.array(z.number().min(0))])
    .default(0)
    .describe(
      'against catastrophic forgetting: rows of earlier stages that a stage visits again, as a share of its own rows; a list has one share per stage; one-off repeats the same rows as phased',
    ),
  seed: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('seed of the shuffles, of random stages or their random order, and of the replayed rows'),
});

/** See {@link planOptionsSchema}. */
export type PlanOptions = z.infer<typeof planOptionsSchema>;
