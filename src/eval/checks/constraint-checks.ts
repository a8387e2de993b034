import * as z from 'zod';
import { LINE, literal, PYTHON, strip, stripMark } from './python-text.js';

/** A constraint: what it must be given, and whether a text meets it. */
interface Constraint {
  /** Whether a text meets it; undefined where what it must be given is missing or makes no sense. */
  readonly check: (text: string, given: unknown) => boolean | undefined;
}

const count = z.number().int().min(0);
const relation = z.enum(['less than', 'at least']);
const words = z.array(z.string().min(1)).min(1);

function constraint<T extends z.ZodType>(schema: T, meets: (text: string, given: z.infer<T>) => boolean): Constraint {
  return {
    check: (text, given) => {
      const read = schema.safeParse(given);
      return read.success ? meets(text, read.data) : undefined;
    },
  };
}

const plain = (meets: (text: string) => boolean) => constraint(z.unknown(), meets);

const compare = (n: number, relation: 'less than' | 'at least', limit: number) =>
  relation === 'less than' ? n < limit : n >= limit;

const found = (text: string, pattern: RegExp) => text.match(pattern) ?? [];

const { space, word, digit } = PYTHON;

const BULLETS = [
  new RegExp(`${LINE.start}${space}*\\*[^*]${LINE.rest}`, 'gu'),
  new RegExp(`${LINE.start}${space}*-${LINE.rest}`, 'gu'),
];
/** The words of nltk's tokenizer, whose `\w` is that of Unicode (UTS 18): a fraction is none, a joined emoji is one. */
const WORDS = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d]+/gu;
const DIVIDER = new RegExp(`${space}?\\*\\*\\*${space}?`, 'u');
const SPACES = new RegExp(`${space}+`, 'u');
const POSTSCRIPTS: Readonly<Record<string, RegExp>> = {
  'P.P.S': new RegExp(`p\\.${space}?p\\.${space}?s`, 'u'),
  'P.S.': new RegExp(`p\\.${space}?s\\.`, 'u'),
};
const OPTIONS = ['My answer is yes.', 'My answer is no.', 'My answer is maybe.'];

/**
 * IFEval's checks (arXiv 2311.07911), by the names that its file has for them: the 20 of 25 that
 * need neither a language detector nor a sentence splitter. They are those of lm-evaluation-harness
 * 0.4.13 to the letter, and compared with them on 1,000 texts, except for what makes theirs random
 * or fail, or makes them check something else than they ask for:
 *
 * - A 0 among what a check is given (`frequency`, `num_placeholders`) is dropped there, and a
 *   number is drawn at random. Here it is 0.
 * - What is missing or negative is drawn at random there. Here the constraint is not checked.
 * - A letter other than a to z is drawn at random there, as in IFEval's own row 1122 (`#`). Here
 *   any one character counts.
 * - Keywords, forbidden words, splitters and markers are patterns there: `C++` finds any C, and
 *   `f(x)` does not find f(x). Here they are texts.
 * - A forbidden word that begins or ends with a mark, such as C#, is never found there. Here it is,
 *   where no letter or digit adjoins it.
 * - Paragraphs are counted there without blank ones, and the one to look at is chosen among all.
 *   Here blank ones are left out of both.
 * - NaN and Infinity are JSON there, and not here.
 */
export const CONSTRAINTS: Readonly<Record<string, Constraint>> = {
  'keywords:existence': constraint(z.object({ keywords: words }), (text, { keywords }) =>
    keywords.every((keyword) => new RegExp(literal(keyword), 'iu').test(text)),
  ),
  'keywords:frequency': constraint(
    z.object({ keyword: z.string().min(1), frequency: count, relation }),
    (text, given) =>
      compare(found(text, new RegExp(literal(strip(given.keyword)), 'giu')).length, given.relation, given.frequency),
  ),
  'keywords:forbidden_words': constraint(
    z.object({ forbidden_words: words }),
    (text, given) =>
      !given.forbidden_words.some((forbidden) =>
        new RegExp(`(?<!${word})${literal(forbidden)}(?!${word})`, 'iu').test(text),
      ),
  ),
  'keywords:letter_frequency': constraint(
    z.object({ letter: z.string().regex(/^.$/su), let_frequency: count, let_relation: relation }),
    (text, given) =>
      compare(text.toLowerCase().split(given.letter.toLowerCase()).length - 1, given.let_relation, given.let_frequency),
  ),
  'length_constraints:number_paragraphs': constraint(z.object({ num_paragraphs: count }), (text, given) => {
    const parts = text.split(DIVIDER).map((part) => strip(part) !== '');
    if (parts.slice(1, -1).includes(false)) return false;
    return parts.filter(Boolean).length === given.num_paragraphs;
  }),
  'length_constraints:number_words': constraint(z.object({ num_words: count, relation }), (text, given) =>
    compare(found(text, WORDS).length, given.relation, given.num_words),
  ),
  'length_constraints:nth_paragraph_first_word': constraint(
    z.object({ num_paragraphs: count, nth_paragraph: z.number().int().min(1), first_word: z.string() }),
    (text, given) => {
      const paragraphs = text.split('\n\n').map(strip).filter(Boolean);
      const first = paragraphs[given.nth_paragraph - 1]?.split(SPACES)[0];
      if (first === undefined || paragraphs.length !== given.num_paragraphs) return false;
      const start = stripMark(stripMark(first, "'", 'left'), '"', 'left').split(/[.,?!'"]/)[0]!;
      return start.toLowerCase() === given.first_word.toLowerCase();
    },
  ),
  'detectable_content:number_placeholders': constraint(
    z.object({ num_placeholders: count }),
    (text, given) => found(text, /\[[^\n]*?\]/g).length >= given.num_placeholders,
  ),
  'detectable_content:postscript': constraint(z.object({ postscript_marker: z.string().min(1) }), (text, given) => {
    const marker = strip(given.postscript_marker);
    const said = text.toLowerCase();
    return POSTSCRIPTS[marker]?.test(said) ?? said.includes(marker.toLowerCase());
  }),
  'detectable_format:number_bullet_lists': constraint(
    z.object({ num_bullets: count }),
    (text, given) => BULLETS.reduce((n, pattern) => n + found(text, pattern).length, 0) === given.num_bullets,
  ),
  'detectable_format:constrained_response': plain((text) => OPTIONS.some((option) => text.includes(option))),
  'detectable_format:number_highlighted_sections': constraint(z.object({ num_highlights: count }), (text, given) => {
    const single = found(text, /\*[^\n*]*\*/g).filter((part) => strip(stripMark(part, '*')) !== '');
    const double = found(text, /\*\*[^\n*]*\*\*/g).filter((part) => strip(part.slice(2, -2)) !== '');
    return single.length + double.length >= given.num_highlights;
  }),
  'detectable_format:multiple_sections': constraint(
    z.object({ section_spliter: z.string().min(1), num_sections: count }),
    (text, given) =>
      found(text, new RegExp(`${space}?${literal(strip(given.section_spliter))}${space}?${digit}+${space}?`, 'gu'))
        .length >= given.num_sections,
  ),
  'detectable_format:json_format': plain((text) => isWholeJson(text)),
  'detectable_format:title': plain((text) =>
    found(text, /<<[^\n]+>>/g).some((title) => strip(title.replace(/^<+/, '').replace(/>+$/, '')) !== ''),
  ),
  'combination:two_responses': plain((text) => {
    const parts = text.split('******').map(strip);
    if (parts.slice(1, -1).includes('')) return false;
    const said = parts.filter(Boolean);
    return said.length === 2 && said[0] !== said[1];
  }),
  'combination:repeat_prompt': constraint(z.object({ prompt_to_repeat: z.string().min(1) }), (text, given) =>
    strip(text).toLowerCase().startsWith(strip(given.prompt_to_repeat).toLowerCase()),
  ),
  'startend:end_checker': constraint(z.object({ end_phrase: z.string() }), (text, given) =>
    stripMark(strip(text), '"').toLowerCase().endsWith(strip(given.end_phrase).toLowerCase()),
  ),
  'startend:quotation': plain((text) => {
    const said = strip(text);
    return said.length > 1 && said.startsWith('"') && said.endsWith('"');
  }),
  'punctuation:no_comma': plain((text) => !text.includes(',')),
};

/** True for a text that is JSON as a whole, in a fence or not. */
function isWholeJson(text: string): boolean {
  const inner = ['```json', '```Json', '```JSON', '```'].reduce(
    (rest, fence) => (rest.startsWith(fence) ? rest.slice(fence.length) : rest),
    strip(text),
  );
  try {
    JSON.parse(strip(inner.endsWith('```') ? inner.slice(0, -3) : inner));
    return true;
  } catch {
    return false;
  }
}
