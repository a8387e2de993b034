import type { GenerateOptions } from '../../src/generate/options.js';

/**
 * What the token chosen from logits must be, worked out one after the other: softmax at the
 * temperature, over the K likeliest (0: all), over the fewest of those whose probabilities add up
 * to P. Tokens are laid end to end, likeliest first unless all may be drawn, and `uniform` in [0,
 * 1) points to one. `margin` is how far from the next one: with less than rounding, both are right.
 */
export function chosen(
  logits: ArrayLike<number>,
  { temperature, topK, topP }: Pick<GenerateOptions, 'temperature' | 'topK' | 'topP'>,
  uniform: number,
): { token: number; margin: number } {
  const all = Array.from(logits, (logit, token) => ({ token, logit }));
  const sorted = all.toSorted((a, b) => b.logit - a.logit);
  if (temperature === 0) return { token: sorted[0]!.token, margin: sorted[0]!.logit - sorted[1]!.logit };
  const candidates = (topK === 0 && topP === 1 ? all : sorted).slice(0, topK || undefined);
  const weights = candidates.map(({ logit }) => Math.exp((logit - sorted[0]!.logit) / temperature));
  const total = weights.reduce((sum, w) => sum + w, 0);
  let [kept, mass, margin] = [0, 0, 1];
  while (kept < weights.length && (kept === 0 || mass < topP * total)) {
    mass += weights[kept++]!;
    // With a share of everything, rounding may or may not leave out what has no weight to speak of.
    if (topP < 1) margin = Math.min(margin, Math.abs(mass / total - topP));
  }
  let left = uniform * mass;
  for (const [i, weight] of weights.slice(0, kept).entries()) {
    if (left < weight)
      return { token: candidates[i]!.token, margin: Math.min(margin, left / mass, (weight - left) / mass) };
    left -= weight;
  }
  return { token: candidates[kept - 1]!.token, margin: 0 };
}
