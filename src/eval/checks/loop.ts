/** Longest unit whose repetition is looked for, in tokens. */
const LONGEST_UNIT = 64;
/** How often a unit must stand one after another at the end. */
const TIMES = 3;
/**
 * Tokens that the repetition of a unit of less than {@link SHORT_UNIT} tokens must cover: 1/3 =
 * 0.3333333333333333, a line of dashes and "no, no, no" are no loops.
 */
const SHORT_STRETCH = 24;
const SHORT_UNIT = 4;
/**
 * Share of 4-grams that occur before in the text, above which it is a loop; Welleck et al. (arXiv
 * 1908.04319), seq-rep-4.
 */
const MOST_REPEATED = 0.5;
/** Tokens below which that share says nothing: a list of five zeros has it, too. */
const LEAST_TOKENS = 32;

/**
 * True for a text that repeats itself: a unit of 1 to 64 tokens at least 3 times up to its end, or
 * more than half of its 4-grams repeated. A begun repetition at the end, where the text was cut,
 * counts for neither side.
 */
export function isLoop(tokens: readonly (number | string)[]): boolean {
  return repeatsToTheEnd(tokens) || repeatedShare(tokens) > MOST_REPEATED;
}

function repeatsToTheEnd(tokens: readonly (number | string)[]): boolean {
  const n = tokens.length;
  for (let unit = 1; unit <= LONGEST_UNIT && unit * TIMES <= n; unit++) {
    let equal = 0;
    while (equal < n - unit && tokens[n - 1 - equal] === tokens[n - 1 - equal - unit]) equal++;
    const stretch = unit + equal;
    if (stretch >= unit * TIMES && (unit >= SHORT_UNIT || stretch >= SHORT_STRETCH)) return true;
  }
  return false;
}

/** 1 - different 4-grams / 4-grams; 0 for a short text. */
function repeatedShare(tokens: readonly (number | string)[]): number {
  const grams = tokens.length - 3;
  if (tokens.length < LEAST_TOKENS) return 0;
  const seen = new Set<string>();
  for (let i = 0; i < grams; i++) seen.add(tokens.slice(i, i + 4).join('\u0000'));
  return 1 - seen.size / grams;
}

/** Scripts that are written without spaces: each of their characters is a word here. */
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]|[\p{L}\p{M}\p{N}]+?(?=[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]|[^\p{L}\p{M}\p{N}]|$)|[^\p{L}\p{M}\p{N}\s]/gu;

/** A text's words and marks, for {@link isLoop} where there are no ids. */
export const wordsOf = (text: string): string[] => text.toLowerCase().match(WORD) ?? [];
