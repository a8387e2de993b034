import { refuse } from './errors.js';
import { concat, isSpace, mapText, slice, type Text } from './text.js';

/** Upper case, as Python's `str.upper`. */
export const upper = (of: Text): Text => mapText(of, (text) => text.toUpperCase());

/** Lower case, as Python's `str.lower`. */
export const lower = (of: Text): Text => mapText(of, (text) => text.toLowerCase());

const first = (text: string): number => (text === '' ? 0 : String.fromCodePoint(text.codePointAt(0)!).length);

/** A character as a title begins with it; those whose title case is not their upper case are refused. */
function titleCase(character: string): string {
  const large = character.toUpperCase();
  if (/[\u01c4-\u01cc\u01f1-\u01f3\u10d0-\u10ff\u1f80-\u1fff]/.test(character) || [...large].length > 1)
    refuse(`the title case of ${JSON.stringify(character)}`);
  return large;
}

/** First character large, the others small. */
export function capitalize(of: Text): Text {
  const at = first(of.text);
  if (at === 0) return of;
  const rest = of.text.slice(at);
  // What comes before a sigma decides which small one it becomes.
  if (/\u03a3/.test(rest)) refuse('the small sigma of capitalize');
  return concat([mapText(slice(of, 0, at), titleCase), lower(slice(of, at))]);
}

const CASED = /[\p{Lowercase}\p{Uppercase}\p{Lt}]/u;

/** Python's `str.title`: letters after letters small, others large. */
export function title(of: Text): Text {
  if (/^\p{ASCII}*$/u.test(of.text)) {
    const text = of.text.replace(/[A-Za-z]+/g, (word) => word[0]!.toUpperCase() + word.slice(1).toLowerCase());
    return { kind: 'text', text, marks: of.marks };
  }
  if (/\u03a3/.test(of.text)) refuse('the small sigma of title');
  const parts: Text[] = [];
  let inWord = false;
  for (let i = 0; i < of.text.length; ) {
    const end = i + first(of.text.slice(i, i + 2));
    const character = slice(of, i, end);
    const cased = CASED.test(character.text);
    parts.push(mapText(character, inWord ? (text) => text.toLowerCase() : titleCase));
    inWord = cased;
    i = end;
  }
  return concat(parts);
}

/** The filter `title`: words, between spaces, hyphens and opening brackets, begin large and continue small. */
export function titleFilter(of: Text): Text {
  const opens = (character: string) => '-({[<'.includes(character) || isSpace(character);
  const parts: Text[] = [];
  let start = 0;
  for (let i = 1; i <= of.text.length; i++) {
    if (i < of.text.length && opens(of.text[i]!) === opens(of.text[i - 1]!)) continue;
    const word = slice(of, start, i);
    const at = first(word.text);
    parts.push(upper(slice(word, 0, at)), lower(slice(word, at)));
    start = i;
  }
  return concat(parts);
}

/** Python's `isupper` and `islower`: some letter, and none of the other case. */
export function isCased(text: string, wanted: 'upper' | 'lower'): boolean {
  const [good, bad] =
    wanted === 'upper' ? [/\p{Uppercase}/u, /[\p{Lowercase}\p{Lt}]/u] : [/\p{Lowercase}/u, /[\p{Uppercase}\p{Lt}]/u];
  return good.test(text) && !bad.test(text);
}

const every =
  (pattern: RegExp) =>
  (text: string): boolean =>
    text !== '' && pattern.test(text);

const numeric = (name: string) => (text: string) => {
  if (/[^\p{Nd}\p{ASCII}]/u.test(text) && /[\p{No}\p{Nl}\p{Lo}]/u.test(text)) refuse(`${name} of such a text`);
  return /^\p{Nd}+$/u.test(text);
};

/** Python's questions about all characters of a text. */
export const TEXT_PROPERTIES: Record<string, (text: string) => boolean> = {
  isspace: (text) => text !== '' && [...text].every(isSpace),
  isdecimal: every(/^\p{Nd}+$/u),
  isdigit: numeric('isdigit'),
  isnumeric: numeric('isnumeric'),
  isalpha: every(/^\p{L}+$/u),
  isalnum: every(/^[\p{L}\p{N}]+$/u),
  isascii: (text) => !/[^\0-\x7f]/.test(text),
};
