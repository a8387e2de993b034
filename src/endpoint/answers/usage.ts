import * as z from 'zod';
import type { Usage } from '../types.js';

const count = z.number().int().min(0).max(1e9).nullish().catch(undefined);

const usageSchema = z
  .looseObject({
    prompt_tokens: count,
    completion_tokens: count,
    total_tokens: count,
    input_tokens: count,
    output_tokens: count,
    completion_tokens_details: z.looseObject({ reasoning_tokens: count }).nullish().catch(undefined),
    reasoning_tokens: count,
  })
  .nullish()
  .catch(undefined);

/** Tokens that a reply counts, and of those that were thoughts. */
export interface CountedUsage extends Usage {
  readonly thoughtTokens: number;
}

/**
 * The tokens that a server counted, by the names of OpenAI or Anthropic. Some do not count thoughts
 * with the reply, only in the total, or apart: the larger count is taken, since thoughts are
 * charged for. Undefined where nothing was counted.
 */
export function usageOf(value: unknown): CountedUsage | undefined {
  const given = usageSchema.parse(value);
  const prompt = given?.prompt_tokens ?? given?.input_tokens;
  const reply = given?.completion_tokens ?? given?.output_tokens;
  if (!given || (prompt ?? reply) == null || (!prompt && !reply)) return undefined;
  const total = given.total_tokens ?? 0;
  const thoughtTokens = given.completion_tokens_details?.reasoning_tokens ?? given.reasoning_tokens ?? 0;
  const promptTokens = prompt ?? Math.max(0, total - (reply ?? 0));
  const apart = thoughtTokens > (reply ?? 0) ? thoughtTokens + (reply ?? 0) : 0;
  return { promptTokens, replyTokens: Math.max(reply ?? 0, total - promptTokens, apart), thoughtTokens };
}
