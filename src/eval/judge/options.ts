import * as z from 'zod';
import { judgeOptionsSchema } from '../../scoring/judge-options.js';

const { structured, systemTurn } = judgeOptionsSchema.shape;

/**
 * Who judges pairs of answers, and how.
 *
 * @example
 * const { orders, pairs } = pairJudgeOptionsSchema.parse({ judge: 'llm', orders: 'drawn' });
 */
export const pairJudgeOptionsSchema = z.strictObject({
  judge: z
    .enum(['llm', 'letters', 'likelihood', 'length'])
    .optional()
    .describe(
      'who judges: an LLM at an endpoint (llm), or a model in this process (letters); likelihood and length are controls [llm where an endpoint is named, otherwise letters]',
    ),
  controls: z
    .array(z.enum(['likelihood', 'length']))
    .default(['likelihood', 'length'])
    .describe(
      'judges that run beside the other one for free, to see what its verdicts have in common with them; likelihood needs the model of the baseline',
    ),
  pairs: z
    .enum(['baseline', 'all'])
    .default('baseline')
    .describe('compare each arm with the baseline, or each arm with each other one'),
  orders: z
    .enum(['both', 'drawn'])
    .default('both')
    .describe(
      'ask about each pair in both orders, or in one that is drawn, for half the cost; then nobody knows whether the judge would agree with itself',
    ),
  judgePrompt: z
    .string()
    .min(1)
    .default('pair')
    .describe(
      'instructions for the judge: pair (a reason, then which answer is better), pair-scores (a score from 1 to 10 for each answer), or the path of your own file (llm)',
    ),
  expected: z
    .boolean()
    .default(false)
    .describe(
      'take the probability of A among A and B instead of the verdict, where the endpoint gives log-probabilities (llm)',
    ),
  repeats: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(1)
    .describe('how often each question is asked, to see how well the judge repeats itself (llm)'),
  judgeTemperature: z
    .number()
    .min(0)
    .max(2)
    .optional()
    .describe('sampling temperature of the judge [0; 0.7 where questions are asked several times] (llm)'),
  judgeSeed: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe(
      'seed of the judge, increased by one for each repeat [0 if questions are asked several times, otherwise none] (llm)',
    ),
  judgeMaxTokens: z
    .number()
    .int()
    .min(1)
    .default(512)
    .describe('most tokens of a reply of the judge; models that think before they reply need thousands (llm)'),
  maxChars: z
    .number()
    .int()
    .min(100)
    .default(24_000)
    .describe(
      'most characters of an instruction and its two answers that the judge sees; longer texts are cut in the middle, with a warning',
    ),
  structured,
  systemTurn,
  reparse: z.boolean().default(false).describe('read the replies in the ledger again, without sending requests (llm)'),
  yes: z.boolean().default(false).describe('agree to the cost without being asked'),
});

/** See {@link pairJudgeOptionsSchema}. */
export type PairJudgeOptions = z.infer<typeof pairJudgeOptionsSchema>;
