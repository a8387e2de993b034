import type { TokenLogprob } from '../endpoint/types.js';
import type { Scale } from './rubric.js';
import { spokenIn } from './thoughts.js';

/** The mean of a scale under a judge's own probabilities. */
export interface ExpectedScore {
  readonly score: number;
  /**
   * Probability that lay on values of the scale, from 0 to 1; over it the mean was taken. The rest
   * was on other tokens, or untold.
   */
  readonly mass: number;
}

/** A token that may stand at a place, and its probability. */
export interface TokenOption {
  readonly text: string;
  readonly probability: number;
}

/**
 * Expected value of a whole scale over the log-probabilities of the token that the score begins
 * with (Liu et al. 2023, G-Eval), renormalised over the values of the scale. A value of two digits
 * may be one token, or two: then the second is looked at as well. Undefined where the place of the
 * score is not certain or no alternative is on the scale.
 */
export function expectedScore(
  tokens: readonly TokenLogprob[],
  score: number,
  { min, max }: Scale,
): ExpectedScore | undefined {
  const text = tokens.map(({ token }) => token).join('');
  const at = placeOf(text, score);
  if (at === undefined) return undefined;
  const index = tokenAt(tokens, at);
  const start = tokens.slice(0, index).reduce((sum, { token }) => sum + token.length, 0);
  const lead = text.slice(start, at);
  const masses = new Map<number, number>();
  const add = (value: number, probability: number) => {
    if (value >= min && value <= max) masses.set(value, (masses.get(value) ?? 0) + probability);
  };
  const options = optionsAt(tokens[index]!).flatMap((option) => digitsOf(option, lead));
  const chosen = digitsOf({ text: tokens[index]!.token, probability: 1 }, lead)[0]?.digits;
  const wholeNumbers = options.some(({ digits }) => digits.length > 1);
  for (const { digits, ended, probability } of options) {
    if (ended || !mayGoOn(digits, min, max)) add(Number(digits), probability);
    else if (digits === chosen && index + 1 < tokens.length)
      for (const next of optionsAt(tokens[index + 1]!))
        add(Number(digits + (/^\d+/.exec(next.text)?.[0] ?? '')), probability * next.probability);
    // Where tokens are whole numbers a digit is the number that it is; elsewhere nobody knows how
    // it would have gone on.
    else if (wholeNumbers || digits === chosen) add(Number(digits), probability);
  }
  const mass = [...masses.values()].reduce((sum, p) => sum + p, 0);
  if (!(mass > 0)) return undefined;
  const mean = [...masses].reduce((sum, [value, p]) => sum + value * p, 0) / mass;
  return { score: Math.min(max, Math.max(min, mean)), mass: Math.min(1, mass) };
}

/** Where in the text the score begins: behind its key in JSON or its label, or the only number that it can be. */
function placeOf(text: string, score: number): number | undefined {
  const from = spokenIn(text)?.start;
  if (from === undefined) return undefined;
  const spoken = text.slice(from);
  const written = `0*${score}(?![\\d])`;
  for (const pattern of [
    `"[\\w -]*(?:score|rating|difficulty)"\\s*:\\s*"?(${written})`,
    `(?:score|rating)\\D{0,20}?(${written})`,
  ]) {
    const last = [...spoken.matchAll(new RegExp(pattern, 'gi'))].at(-1);
    if (last) return from + last.index + last[0].length - last[1]!.length;
  }
  const alone = [...spoken.matchAll(new RegExp(`(?<![\\d./])${written}`, 'g'))];
  return alone.length === 1 ? from + alone[0]!.index : undefined;
}

/** The token that a place of the text is in; -1 after the last one. */
export function tokenAt(tokens: readonly TokenLogprob[], place: number): number {
  let end = 0;
  return tokens.findIndex(({ token }) => {
    end += token.length;
    return end > place;
  });
}

/** What may stand at a token's place: its alternatives and itself, each once. */
export function optionsAt({ token, logprob, top }: TokenLogprob): TokenOption[] {
  const all = new Map([...top, { token, logprob }].map((one) => [one.token, Math.exp(one.logprob)]));
  return [...all].flatMap(([text, probability]) => (Number.isFinite(probability) ? [{ text, probability }] : []));
}

/**
 * The digits that an alternative begins with, after what comes before the score in the token that
 * was chosen, or white space.
 */
function digitsOf({ text, probability }: TokenOption, lead: string) {
  const rest = lead !== '' && text.startsWith(lead) ? text.slice(lead.length) : text.replace(/^[\s▁Ġ"]+/, '');
  const digits = /^\d+/.exec(rest)?.[0];
  // "4.5" is no value of a whole scale.
  return digits === undefined || /^\.\d/.test(rest.slice(digits.length))
    ? []
    : [{ digits, ended: rest.length > digits.length, probability }];
}

/** True when more digits may follow and the number still be on the scale. */
const mayGoOn = (digits: string, min: number, max: number): boolean => {
  for (let low = Number(digits) * 10, high = low + 9; low <= max; low *= 10, high = high * 10 + 9)
    if (high >= min && low > 0) return true;
  return false;
};
