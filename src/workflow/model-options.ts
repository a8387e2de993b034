import * as z from 'zod';
import { deviceOption } from '../backend/options.js';
import type { answerOptionsSchema } from '../eval/answer-options.js';
import { programOptions } from '../program/options.js';

// Answers are decoded over a cache, for which there is one way to compute attention.
const { attention: _, ...decodingOptions } = programOptions.shape;

/**
 * How a model is opened.
 *
 * @example
 * const { device, loadIn8bit } = modelOptionsSchema.parse({ loadIn8bit: true });
 */
export const modelOptionsSchema = z.strictObject({
  adapter: z.string().min(1).optional().describe('PEFT adapter folder, such as the one a run leaves'),
  ...decodingOptions,
  device: deviceOption,
});

/** See {@link modelOptionsSchema}. */
export type ModelOptions = z.input<typeof modelOptionsSchema>;

/** See `answerOptionsSchema`. */
export type AnswerOptions = z.input<typeof answerOptionsSchema>;
