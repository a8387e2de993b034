import * as z from 'zod';

/** How a model in this process judges; `model`, `device` and how a program runs are options of the whole task. */
export const localJudgeOptionsSchema = z.strictObject({
  judgePrecision: z
    .enum(['float32', 'bfloat16'])
    .default('float32')
    .describe('type of products of a local judge, whose preferences of a tenth of a nat drown in bfloat16'),
  judgeBatch: z.number().int().min(1).default(8).describe('texts that go through a local judge together, on average'),
  judgeMaxLength: z
    .number()
    .int()
    .min(64)
    .default(2048)
    .describe(
      'most tokens of what a local judge reads; longer answers are cut in their middle, alike in both orders [no more than the model was made for]',
    ),
});

/** See {@link localJudgeOptionsSchema}. */
export type LocalJudgeOptions = z.infer<typeof localJudgeOptionsSchema>;
