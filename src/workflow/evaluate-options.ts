import * as z from 'zod';
import { answerSetsOptionsSchema } from './eval-answer-options.js';
import { judgeAnswersOptionsSchema } from './eval-judge-options.js';
import { reportEvaluationOptionsSchema } from './eval-report-options.js';

const { folder: _, ...judging } = judgeAnswersOptionsSchema.shape;
const { folder: __, ...reporting } = reportEvaluationOptionsSchema.shape;

/**
 * A whole evaluation: which arms answer which instructions, who judges the answers, and how the result is computed.
 *
 * @example
 * const { judge, level } = evaluateOptionsSchema.parse({
 *   arms: ['base=models/base', 'phased=checkpoints/phased'],
 *   sets: ['sets/koala.jsonl'],
 *   out: 'evals/mine',
 *   judge: 'length',
 * });
 */
export const evaluateOptionsSchema = z.strictObject({ ...reporting, ...judging, ...answerSetsOptionsSchema.shape });

/** See {@link evaluateOptionsSchema}; options with a default may be left out. */
export type EvaluateOptions = z.input<typeof evaluateOptionsSchema>;
