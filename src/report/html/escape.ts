import { escapeControls, escapeKeepingLayout } from '../../core/escape.js';
import { jsonText } from '../../core/json-text.js';
import { formatCount } from '../../telemetry/format.js';
import { hide } from '../../telemetry/redact.js';

const MARKS: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/**
 * Text for a text node or an attribute of HTML: secrets are hidden, control characters and marks that turn the
 * direction of text are written as `\u202e`, line breaks and tabs stay, and markup is escaped. Every text of a page
 * passes through here.
 */
export const escapeHtml = (text: string): string =>
  escapeKeepingLayout(hide(text)).replace(/[&<>"']/g, (mark) => MARKS[mark]!);

/** A text of which at most `most` characters are shown, and how long it is; secrets are hidden before it is cut. */
export const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `${hide(text).slice(0, most)}… (${formatCount(text.length)} characters)`;

/** A time as files have it: UTC, ISO 8601. */
const TIME = /\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z/g;

/** Words between backticks, such as the name of an option. */
const CODE = /`([^`\n]{1,100})`/g;

/**
 * A sentence or a value as HTML: escaped, at most `most` characters of it, words between backticks as code, and times
 * in UTC marked so that a browser can show them as local ones.
 */
export const inlineHtml = (text: string, most = 4000): string =>
  escapeHtml(shortened(text, most))
    .replace(CODE, '<code>$1</code>')
    .replace(TIME, '<time datetime="$&">$1 $2 UTC</time>');

/** Longest text of a page's data. */
const MOST_DATA = 10_000;

/** A value with its long texts shortened: they are no values. */
function withShortTexts(value: unknown): unknown {
  if (typeof value === 'string') return shortened(value, MOST_DATA);
  if (Array.isArray(value)) return value.map(withShortTexts);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [shortened(key, MOST_DATA), withShortTexts(inner)]),
  );
}

/** A value as JSON for a script element, which nothing in it can end. */
export const scriptJson = (value: unknown): string =>
  escapeControls(jsonText(withShortTexts(hide(value))) ?? 'null').replace(
    /[<>&]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
