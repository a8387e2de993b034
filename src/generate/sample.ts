import type { Random } from '../core/random.js';

/** Which tokens may be drawn, and how freely; see the options of the same names. */
export interface SampleOptions {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
}

/**
 * Draws a token from logits [V]: softmax at a temperature above 0, over the K likeliest (0: all), over the fewest of
 * those whose probabilities add up to P. The order of the cuts is transformers'.
 */
export function sample(logits: Float32Array, { temperature, topK, topP }: SampleOptions, random: Random): number {
  let candidates = Array.from(logits, (logit, token) => ({ token, logit })).sort((a, b) => b.logit - a.logit);
  if (topK > 0) candidates = candidates.slice(0, topK);
  const highest = candidates[0]!.logit;
  const weights = candidates.map(({ logit }) => Math.exp((logit - highest) / temperature));
  const total = weights.reduce((sum, w) => sum + w, 0);
  let kept = 0;
  let mass = 0;
  while (kept < weights.length && (kept === 0 || mass < topP * total)) mass += weights[kept++]!;
  let left = random.uniform() * mass;
  for (let i = 0; i < kept; i++) {
    left -= weights[i]!;
    if (left < 0) return candidates[i]!.token;
  }
  return candidates[kept - 1]!.token;
}
