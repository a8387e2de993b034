import * as z from 'zod';

/** Positions are worked with in float32, which is exact up to 2^24; half of them are left for prompts. */
const MOST_TOKENS = 2 ** 23;

/** How an answer is decoded. */
export const generateOptions = z.strictObject({
  maxTokens: z.number().int().positive().max(MOST_TOKENS).default(128).describe('Most tokens of an answer'),
  temperature: z.number().min(0).default(0).describe('Sampling temperature; 0 takes the most likely token'),
  topK: z.number().int().min(0).default(0).describe('Sample from the K most likely tokens; 0 for all'),
  topP: z.number().gt(0).max(1).default(1).describe('Sample from the fewest tokens whose probabilities add up to P'),
  seed: z.number().int().min(0).default(0).describe('Seed of the sampling'),
});

/** See {@link generateOptions}. */
export type GenerateOptions = z.infer<typeof generateOptions>;

/**
 * How the next token is chosen, as far as the graph depends on it. `likeliest`: no draw. `any`:
 * drawn from all tokens. `topK`: from the K likeliest, or the fewest of those that make up a share.
 * `topP`: from the fewest of all that make up a share.
 */
export type Choice = 'likeliest' | 'any' | 'topK' | 'topP';

/** The choice that the options ask for. */
export function choiceOf({ temperature, topK, topP }: GenerateOptions): Choice {
  if (temperature === 0) return 'likeliest';
  if (topK > 0) return 'topK';
  return topP === 1 ? 'any' : 'topP';
}
