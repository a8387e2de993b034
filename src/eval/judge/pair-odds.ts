import type { TokenLogprob } from '../../endpoint/types.js';
import { optionsAt, tokenAt } from '../../scoring/expected.js';
import { spokenIn } from '../../scoring/thoughts.js';
import type { Label } from './claims.js';

/**
 * Log-odds of A against B, in nats, by the probabilities of the token that the verdict begins with;
 * a tie's share is left out. A letter that is not among the alternatives counts as likely as the
 * least likely one, which it is at most. Undefined where the place of the verdict is not certain,
 * or neither letter has a probability.
 */
export function pairOdds(tokens: readonly TokenLogprob[], better: Label): number | undefined {
  const text = tokens.map(({ token }) => token).join('');
  const at = placeOf(text, better);
  if (at === undefined) return undefined;
  const index = tokenAt(tokens, at);
  const start = tokens.slice(0, index).reduce((sum, { token }) => sum + token.length, 0);
  const lead = text.slice(start, at);
  const options = optionsAt(tokens[index]!);
  if (options.length < 2) return undefined;
  const mass = { A: 0, B: 0 };
  for (const { text: option, probability } of options) {
    const letter = letterOf(option, lead);
    if (letter) mass[letter] += probability;
  }
  if (mass.A + mass.B === 0) return undefined;
  const least = Math.max(Math.min(...options.map(({ probability }) => probability)), Number.MIN_VALUE);
  return Math.log(Math.max(mass.A, least)) - Math.log(Math.max(mass.B, least));
}

/** Where the verdict begins: after its key in JSON or its label, or alone. */
function placeOf(text: string, better: Label): number | undefined {
  const from = spokenIn(text)?.start;
  if (from === undefined) return undefined;
  const spoken = text.slice(from);
  for (const pattern of [
    `"[\\w -]*(?:better|verdict|winner|choice|preference)[\\w -]*"\\s*:\\s*"?(?:Answer )?(${better})\\b`,
    `(?:[Bb]etter|[Vv]erdict|[Ww]inner|[Cc]hoice|[Pp]reference)\\W{0,5}(${better})\\b`,
    `^\\W*(${better})\\W*$`,
  ]) {
    const found = [...spoken.matchAll(new RegExp(pattern, better === 'tie' ? 'gi' : 'g'))].at(-1);
    if (found) return from + found.index + found[0].lastIndexOf(found[1]!);
  }
  return undefined;
}

/** The letter that an alternative says, after what comes before the verdict in the token that was chosen. */
function letterOf(option: string, lead: string): 'A' | 'B' | undefined {
  const rest = lead !== '' && option.startsWith(lead) ? option.slice(lead.length) : option.replace(/^[\s▁Ġ"]+/, '');
  // "Answer" and "Both" are no letters.
  return /^[AB](?![A-Za-z])/.test(rest) ? (rest[0] as 'A' | 'B') : undefined;
}
