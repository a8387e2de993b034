/** Longest part of a foreign text that goes into a message, in characters. */
const MOST = 120;

/**
 * A name that came out of a file, fit for a message of one line: characters that are not printed
 * (control characters, line ends, marks that turn the direction of text) are escaped, and what is
 * over `most` characters [120] is cut.
 */
export function shownName(name: string, most = MOST): string {
  const part = name.length > most ? `${name.slice(0, most)}…` : name;
  return part.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (mark) => `\\u{${mark.codePointAt(0)!.toString(16)}}`);
}

/**
 * A value that came out of a file, for a message: as JSON on one line, cut to `most` characters
 * [80]. What is deeply nested or far behind in a list is left out, so that a large value costs no
 * more than a small one.
 */
export function show(value: unknown, most = 80): string {
  return shownName(brief(value, 0), most);
}

function brief(value: unknown, depth: number): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(value.slice(0, MOST));
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth === 3) return '…';
  const inner = (item: unknown) => brief(item, depth + 1);
  if (Array.isArray(value)) return `[${value.slice(0, 8).map(inner).join(',')}${value.length > 8 ? ',…' : ''}]`;
  const fields = Object.entries(value);
  const shown = fields.slice(0, 4).map(([key, item]) => `${JSON.stringify(key.slice(0, MOST))}:${inner(item)}`);
  return `{${shown.join(',')}${fields.length > 4 ? ',…' : ''}}`;
}

/** The end of a list of which `left` items are not shown: ` and 3 more`, or nothing where none is left. */
export const andMore = (left: number): string => (left > 0 ? ` and ${left} more` : '');

/** The first `most` items, and how many there are besides: `a, b and 3 more`. */
export const showSome = (items: readonly string[], most: number): string =>
  items.slice(0, most).join(', ') + andMore(items.length - most);
