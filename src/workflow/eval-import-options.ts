import * as z from 'zod';

/**
 * Which files of another program become an evaluation.
 *
 * @example
 * const { force } = importEvaluationOptionsSchema.parse({ files: ['annotations.json'], out: 'evals/theirs' });
 */
export const importEvaluationOptionsSchema = z.strictObject({
  files: z
    .array(z.string().min(1))
    .min(1)
    .describe("AlpacaEval's annotations.json or model_outputs.json, one or more, of the same rows"),
  out: z.string().min(1).describe('folder of the evaluation to write'),
  baseline: z
    .string()
    .min(1)
    .optional()
    .describe("the model that others are compared with; default: the annotations' reference, or the first model"),
  force: z.boolean().default(false).describe('replace what is in the folder'),
});

/** Options of importing an evaluation; those with a default may be left out. */
export type ImportEvaluationOptions = z.input<typeof importEvaluationOptionsSchema>;
