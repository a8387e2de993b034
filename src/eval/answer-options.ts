import * as z from 'zod';
import { encodeOptionsSchema } from '../data/options.js';
import { generateOptions } from '../generate/options.js';

/**
 * How prompts are answered.
 *
 * @example
 * const { maxTokens, temperature } = answerOptionsSchema.parse({ maxTokens: 64 });
 */
export const answerOptionsSchema = z.strictObject({
  system: z.string().min(1).optional().describe('system message before each prompt'),
  template: encodeOptionsSchema.shape.template,
  ...generateOptions.shape,
  batch: z.number().int().positive().default(16).describe('prompts answered together'),
});

/** See {@link answerOptionsSchema}. */
export type ResolvedAnswerOptions = z.infer<typeof answerOptionsSchema>;

/** A model's answer. */
export interface Answer {
  /** Place of its prompt among those of the call, from 0. */
  readonly index: number;
  readonly text: string;
  /** Tokens of the answer, without the one that ends it. */
  readonly tokens: number;
  /** `stop`: the model ended its answer; `length`: it was cut off at `maxTokens`. */
  readonly finish: 'stop' | 'length';
}
