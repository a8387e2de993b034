import * as z from 'zod';

/** How an answer is decoded. */
export const generateOptions = z.strictObject({
  maxTokens: z.number().int().positive().default(128).describe('Tokens an answer may have at most'),
  temperature: z.number().min(0).default(0).describe('Sampling temperature; 0 takes the most likely token'),
  topK: z.number().int().min(0).default(0).describe('Sample from the K most likely tokens; 0 for all'),
  topP: z.number().gt(0).max(1).default(1).describe('Sample from the fewest tokens whose probabilities add up to P'),
  seed: z.number().int().min(0).default(0).describe('Seed of the sampling'),
});

/** See {@link generateOptions}. */
export type GenerateOptions = z.infer<typeof generateOptions>;

/**
 * How the next token is chosen, as far as a graph depends on it: the likeliest; drawn from all; from the K likeliest,
 * or of those the fewest that make up a share; or from the fewest that make up a share of all.
 */
export type Choice = 'likeliest' | 'any' | 'topK' | 'topP';

/** The choice that the options ask for. */
export function choiceOf({ temperature, topK, topP }: GenerateOptions): Choice {
  if (temperature === 0) return 'likeliest';
  if (topK > 0) return 'topK';
  return topP === 1 ? 'any' : 'topP';
}
