/**
 * Scripts that are distinguished; Japanese and Chinese share one. `named`: words by which an
 * instruction asks for it.
 */
const SCRIPTS: readonly { readonly letters: RegExp; readonly named: RegExp }[] = [
  {
    letters: /\p{Script=Latin}/gu,
    named:
      /\b(?:english|french|german|spanish|italian|portuguese|dutch|swedish|norwegian|danish|polish|czech|turkish|vietnamese|latin|romanian|hungarian|finnish|indonesian|malay|swahili|pinyin|romaji|transliterat\w+|romani[sz]\w+)\b/i,
  },
  {
    letters: /\p{Script=Cyrillic}/gu,
    named: /\b(?:russian|ukrainian|bulgarian|serbian|macedonian|belarusian|kazakh|mongolian|cyrillic)\b/i,
  },
  { letters: /\p{Script=Greek}/gu, named: /\bgreek\b/i },
  {
    letters: /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}]/gu,
    named: /\b(?:chinese|mandarin|cantonese|japanese|kanji|hiragana|katakana|hanzi)\b/i,
  },
  { letters: /\p{Script=Hangul}/gu, named: /\b(?:korean|hangul)\b/i },
  { letters: /\p{Script=Arabic}/gu, named: /\b(?:arabic|persian|farsi|urdu|pashto|sindhi|uyghur)\b/i },
  { letters: /\p{Script=Hebrew}/gu, named: /\b(?:hebrew|yiddish)\b/i },
  { letters: /\p{Script=Devanagari}/gu, named: /\b(?:hindi|marathi|nepali|sanskrit|devanagari)\b/i },
  { letters: /\p{Script=Bengali}/gu, named: /\b(?:bengali|bangla|assamese)\b/i },
  { letters: /\p{Script=Gurmukhi}/gu, named: /\b(?:punjabi|gurmukhi)\b/i },
  { letters: /\p{Script=Gujarati}/gu, named: /\bgujarati\b/i },
  { letters: /\p{Script=Tamil}/gu, named: /\btamil\b/i },
  { letters: /\p{Script=Telugu}/gu, named: /\btelugu\b/i },
  { letters: /\p{Script=Kannada}/gu, named: /\bkannada\b/i },
  { letters: /\p{Script=Malayalam}/gu, named: /\bmalayalam\b/i },
  { letters: /\p{Script=Thai}/gu, named: /\bthai\b/i },
  { letters: /\p{Script=Georgian}/gu, named: /\bgeorgian\b/i },
  { letters: /\p{Script=Armenian}/gu, named: /\barmenian\b/i },
  { letters: /\p{Script=Ethiopic}/gu, named: /\b(?:amharic|tigrinya)\b/i },
];

/** Letters that an answer must have in a script before it is said to be written in it. */
const LEAST_LETTERS = 8;
/** Share of the instruction's letters from which its author wrote in that script, too. */
const WROTE = 0.1;

/**
 * True if more than half of an answer's letters are of a script that the instruction neither uses (in a tenth of its
 * letters) nor names ("in Russian").
 */
export function isOtherScript(instruction: string, answer: string): boolean {
  const letters = count(answer, /\p{L}/gu);
  const main = SCRIPTS.find((script) => {
    const own = count(answer, script.letters);
    return own >= LEAST_LETTERS && 2 * own > letters;
  });
  if (!main || main.named.test(instruction)) return false;
  const asked = count(instruction, /\p{L}/gu);
  return asked > 0 && count(instruction, main.letters) < WROTE * asked;
}

const count = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0;
