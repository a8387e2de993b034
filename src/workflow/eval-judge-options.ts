import * as z from 'zod';
import { deviceOption } from '../backend/options.js';
import { endpointOptionsSchema } from '../endpoint/options.js';
import { entranceOptionsSchema } from '../eval/judge/entrance.js';
import { localJudgeOptionsSchema } from '../eval/judge/local-options.js';
import { pairJudgeOptionsSchema } from '../eval/judge/options.js';
import { programOptions } from '../program/options.js';

/**
 * Which answers are judged, by whom, and how.
 *
 * @example
 * const { orders } = judgeAnswersOptionsSchema.parse({ folder: 'evals/mine', judge: 'length' });
 */
export const judgeAnswersOptionsSchema = z.strictObject({
  folder: z.string().min(1).describe('folder of the evaluation, with the answers in it'),
  ...pairJudgeOptionsSchema.shape,
  ...endpointOptionsSchema.shape,
  model: z
    .string()
    .min(1)
    .optional()
    .describe(
      "name of the judge at the endpoint (llm), or its model folder (letters, likelihood) [there the baseline's model]",
    ),
  ...entranceOptionsSchema.shape,
  ...localJudgeOptionsSchema.shape,
  device: deviceOption,
  mode: programOptions.shape.mode,
  compile: programOptions.shape.compile,
  attention: programOptions.shape.attention,
});

/** Options of judging; those with a default may be left out. */
export type JudgeAnswersOptions = z.input<typeof judgeAnswersOptionsSchema>;

/** The same, defaults filled in. */
export type ResolvedJudgeAnswersOptions = z.output<typeof judgeAnswersOptionsSchema>;
