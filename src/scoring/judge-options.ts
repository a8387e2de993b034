import * as z from 'zod';

/**
 * How an LLM judges rows.
 *
 * @example
 * const { rubric, repeats } = judgeOptionsSchema.parse({ repeats: 3 });
 */
export const judgeOptionsSchema = z.strictObject({
  rubric: z
    .string()
    .min(1)
    .default('difficulty-1-5')
    .describe('instructions for the judge: difficulty-1-5, difficulty-1-10, or the path of your own rubric file'),
  repeats: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(1)
    .describe('how often each row is judged; its score is the mean, and the spread is recorded'),
  expected: z
    .boolean()
    .default(false)
    .describe(
      'score by the mean over the probabilities of all scores, where the endpoint gives log-probabilities; the judge is asked for whole numbers',
    ),
  temperature: z
    .number()
    .min(0)
    .max(2)
    .optional()
    .describe('sampling temperature of the judge [0; 0.7 where rows are judged several times]'),
  seed: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe(
      'seed of the judge, increased by one for each repeat [0 if rows are judged several times, otherwise none]',
    ),
  maxTokens: z
    .number()
    .int()
    .min(1)
    .default(256)
    .describe('most tokens of a reply; models that think before they reply need thousands'),
  maxChars: z
    .number()
    .int()
    .min(100)
    .default(24_000)
    .describe('most characters of a row that the judge sees; longer texts are cut in the middle, with a warning'),
  structured: z
    .boolean()
    .default(true)
    .describe('request replies in the shape of a JSON Schema; in words only where the endpoint does not support it'),
  systemTurn: z
    .boolean()
    .default(true)
    .describe(
      'put the instructions into a system turn; off puts them into the user turn, for models without a system turn',
    ),
});

/** See {@link judgeOptionsSchema}. */
export type JudgeOptions = z.infer<typeof judgeOptionsSchema>;
