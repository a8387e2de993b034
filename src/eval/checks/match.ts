import { tryParseJson } from '../../core/json-text.js';
import { sameText } from '../../core/same-text.js';
import { isRow } from '../../data/fields.js';

/**
 * A text in NFKC, without case, punctuation and the amount of white space; what stands in a number
 * stays (-3.5, 1:30).
 */
export function normalized(text: string): string {
  const plain = sameText(text, true)
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    .replace(/['\u2018\u2019]/g, '');
  const words = plain.replace(MARKS, ' ').replace(/\s+/g, ' ').trim();
  return words === '' ? plain : words;
}

/** Punctuation, but not a point, comma, colon, slash or dash between digits, and not a minus before a number. */
const MARKS = /(?!(?<=\p{N})[.,:/-](?=\p{N}))(?!(?<![\p{L}\p{N}])-(?=[.]?\p{N}))\p{P}/gu;

/**
 * The value of a text that is an object or a list in JSON, as such or in a fenced block; undefined
 * for any other text.
 */
export function jsonValue(text: string): unknown {
  const fenced = /^\s*```(?:json)?[^\S\n]*\n([\s\S]*?)\n?```\s*$/i.exec(text);
  const value = tryParseJson(fenced ? fenced[1]! : text);
  return typeof value === 'object' && value !== null ? value : undefined;
}

/** True for equal JSON values, whatever the order of their keys. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (!isRow(a) || !isRow(b)) return a === b;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  );
}
