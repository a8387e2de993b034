import { isJson } from '../core/json-text.js';
import { parseJson } from './json.js';

/** An integer of this many digits may be one that JavaScript's numbers do not hold exactly. */
const MANY_DIGITS = /\d{16}/;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const LONG_INTEGER = /^-?[1-9]\d{15,}$/;

/** What Python's json module writes for floats that JSON has no word for. */
const NO_NUMBERS = /-?Infinity|NaN/g;
const NO_NUMBER = /Infinity|NaN/;

/**
 * The value of a row's JSON text as other programs mean it. An integer that JavaScript's numbers
 * would round (an id of 64 bits) becomes the text of its digits; NaN and Infinity, which Python
 * writes though they are not JSON, become null. Throws the errors of {@link parseJson}.
 */
export function parseRow(text: string, file: string, firstLine = 1): unknown {
  const exact = MANY_DIGITS.test(text) ? outsideTexts(text, (part) => part.replace(NUMBER, keepDigits)) : text;
  if (NO_NUMBER.test(text) && !isJson(exact)) {
    const plain = outsideTexts(exact, (part) => part.replace(NO_NUMBERS, 'null'));
    if (isJson(plain)) return parseJson(plain, file, firstLine);
    // As long as the word it replaces, so that the place of what is really broken is right.
    return parseJson(
      outsideTexts(text, (part) => part.replace(NO_NUMBERS, (word) => '0'.padEnd(word.length))),
      file,
      firstLine,
    );
  }
  return parseJson(exact === text || isJson(exact) ? exact : text, file, firstLine);
}

const keepDigits = (number: string) =>
  LONG_INTEGER.test(number) && !Number.isSafeInteger(Number(number)) ? `"${number}"` : number;

/** JSON text with the parts between its quoted texts replaced. */
function outsideTexts(text: string, replace: (part: string) => string): string {
  let result = '';
  for (let position = 0; ; ) {
    const quote = text.indexOf('"', position);
    if (quote < 0) return result + replace(text.slice(position));
    const end = closingQuote(text, quote + 1);
    result += replace(text.slice(position, quote)) + text.slice(quote, end);
    position = end;
  }
}

/** Index after the quote that ends a text whose inside begins at `from`; the length where none does. */
function closingQuote(text: string, from: number): number {
  for (let position = from; ; ) {
    const quote = text.indexOf('"', position);
    if (quote < 0) return text.length;
    let first = quote;
    while (first > from && text[first - 1] === '\\') first--;
    if ((quote - first) % 2 === 0) return quote + 1;
    position = quote + 1;
  }
}
