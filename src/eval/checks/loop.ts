/** Longest unit whose repetition is looked for, in tokens. */
const LONGEST_UNIT = 64;
/** How often a unit must stand one after another at the end. */
const TIMES = 3;
/**
 * Tokens that the repetition of a unit of less than {@link SHORT_UNIT} tokens must cover: a third as
 * 0.3333333333333333, a line of dashes and "no, no, no" are no loops.
 */
const SHORT_STRETCH = 24;
const SHORT_UNIT = 4;
/** The same for words, which are no digits or marks. */
const WORD_STRETCH = 12;
/** Share of repeated 4-grams above which a text is a loop: seq-rep-4 of Welleck et al. (arXiv 1908.04319). */
const MOST_REPEATED = 0.5;
/** Tokens below which that share says nothing. */
const LEAST_TOKENS = 32;

/**
 * True for a text that repeats itself: a unit of 1 to 64 tokens at least 3 times up to its end, or
 * more than half of its 4-grams repeated, where a token after itself counts once. A begun repetition
 * at the end, where the text was cut, changes nothing.
 */
export function isLoop(tokens: readonly (number | string)[]): boolean {
  return repeatsToTheEnd(tokens) || repeatedShare(tokens) > MOST_REPEATED;
}

function repeatsToTheEnd(tokens: readonly (number | string)[]): boolean {
  const n = tokens.length;
  let short = 0;
  for (let unit = 1; unit <= LONGEST_UNIT && unit * TIMES <= n; unit++) {
    let equal = 0;
    while (equal < n - unit && tokens[n - 1 - equal] === tokens[n - 1 - equal - unit]) equal++;
    const stretch = unit + equal;
    // A repetition of two units is one of a unit, too.
    if (stretch < unit * TIMES || stretch <= short) continue;
    if (unit >= SHORT_UNIT || stretch >= SHORT_STRETCH) return true;
    if (stretch >= WORD_STRETCH && /\p{L}/u.test(String(tokens[n - 1]) + String(tokens[n - 2]))) return true;
    short = stretch;
  }
  return false;
}

/** 1 - different 4-grams / 4-grams; 0 for a short text. */
function repeatedShare(all: readonly (number | string)[]): number {
  const tokens = all.filter((token, i) => token !== all[i - 1]);
  const grams = tokens.length - 3;
  if (tokens.length < LEAST_TOKENS) return 0;
  const seen = new Set<string>();
  for (let i = 0; i < grams; i++) seen.add(tokens.slice(i, i + 4).join('\u0000'));
  return 1 - seen.size / grams;
}

/** Scripts that are written without spaces: each of their characters is a word here. */
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]|[\p{L}\p{M}\p{N}]+?(?=[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]|[^\p{L}\p{M}\p{N}]|$)|[^\p{L}\p{M}\p{N}\s]/gu;

/** Numbers and marks of a list's items, at the beginning of a line or sentence. */
const ITEM = /(^|[\n.!?:;])[^\S\n]*(?:\(?\d{1,4}[.):]|[-*\u2022])\s+/g;

/**
 * A text's words and marks, for {@link isLoop}. The numbers of a list's items are left out: a list
 * whose items are all the same is a loop, although its numbers grow.
 */
export const wordsOf = (text: string): string[] => text.replace(ITEM, '$1 ').toLowerCase().match(WORD) ?? [];
