import * as z from 'zod';

/**
 * What a trainer may say about the way through the stages.
 *
 * @example
 * const { order, replay } = planOptionsSchema.parse({ order: 'reversed', replay: 0.1 });
 */
export const planOptionsSchema = z.strictObject({
  order: z
    .enum(['phased', 'one-off', 'random', 'reversed'])
    .default('phased')
    .describe('way through the stages: rising difficulty, all at once, random membership, falling difficulty'),
  smoothness: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      'how gradually phased and reversed go over from one band of difficulty to the next: 0 is a band a stage, 1 all bands alike in every stage',
    ),
  within: z
    .enum(['shuffle', 'score'])
    .default('shuffle')
    .describe('order of the rows within a stage: shuffled, or by rising score (falling under reversed)'),
  replay: z
    .union([z.number().min(0), z.array(z.number().min(0))])
    .default(0)
    .describe(
      'rows of the stages trained before that a stage visits again, as a share of its own rows; a list has one for each stage; one-off visits the same ones again as phased',
    ),
  seed: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('seed of the shuffles, of who is in which stage, and of the replayed rows'),
});

/** See {@link planOptionsSchema}. */
export type PlanOptions = z.infer<typeof planOptionsSchema>;
