/**
 * What Python calls white space and a word's character in its regular expressions; JavaScript's `\s` and `\w` are other
 * sets. IFEval's checks are defined by these.
 */
export const PYTHON = {
  space: '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]',
  word: '[\\p{L}\\p{N}_]',
  digit: '\\p{Nd}',
} as const;

/** The beginning and the rest of a line: JavaScript's `m` also ends lines at `\r`, U+2028 and U+2029. */
export const LINE = { start: '(?<=^|\\n)', rest: '[^\\n]*' } as const;

/** A text as a pattern that means just this text. */
export const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

const SPACE = new RegExp(`^${PYTHON.space}`, 'u');

/** Python's `str.strip()`. */
export function strip(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && SPACE.test(text[from]!)) from++;
  while (to > from && SPACE.test(text[to - 1]!)) to--;
  return text.slice(from, to);
}

/** Python's `str.lstrip` and `str.rstrip` of one character. */
export function stripMark(text: string, mark: string, sides: 'both' | 'left' = 'both'): string {
  let [from, to] = [0, text.length];
  while (from < to && text[from] === mark) from++;
  while (sides === 'both' && to > from && text[to - 1] === mark) to--;
  return text.slice(from, to);
}
