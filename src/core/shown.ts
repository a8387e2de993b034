/** Longest part of a foreign text that goes into a message, in characters. */
const MOST = 120;

/**
 * A name that came out of a file, fit for a message of one line: as it is where it is printable and short, otherwise with what is
 * not escaped (control characters, line ends, marks that turn the direction of text) and cut to `most` characters [120].
 */
export function shownName(name: string, most = MOST): string {
  const part = name.length > most ? `${name.slice(0, most)}…` : name;
  return part.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (mark) => `\\u{${mark.codePointAt(0)!.toString(16)}}`);
}

/** A value that came out of a file, as JSON of one line and some 120 characters; what is longer or deeper is left out. */
export function shownValue(value: unknown): string {
  return shownName(brief(value, 0));
}

function brief(value: unknown, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, MOST));
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth === 3) return '…';
  const inner = (item: unknown) => brief(item, depth + 1);
  if (Array.isArray(value)) return `[${value.slice(0, 8).map(inner).join(',')}${value.length > 8 ? ',…' : ''}]`;
  const fields = Object.entries(value).slice(0, 4);
  return `{${fields.map(([key, item]) => `${JSON.stringify(key.slice(0, MOST))}:${inner(item)}`).join(',')}}`;
}
