/** A piece of a text that comes from the content of a turn, UTF-16 offsets. */
export interface Mark {
  readonly start: number;
  readonly end: number;
  readonly message: number;
}

/** A text with the pieces that come from turns, in order and apart. `markup`: was marked as safe or escaped. */
export interface Text {
  readonly kind: 'text';
  readonly text: string;
  readonly marks: readonly Mark[];
  readonly markup?: true;
}

const NONE: readonly Mark[] = [];

/** A text that comes from no turn. */
export const plain = (text: string): Text => ({ kind: 'text', text, marks: NONE });

/** Whether a text has characters outside the Basic Multilingual Plane, of which JavaScript counts two. */
const hasPairs = (text: string): boolean => /[\ud800-\udbff][\udc00-\udfff]/.test(text);

/** What it costs to count a text's characters: little where each is one unit. */
export const countingCost = (text: string): number => (hasPairs(text) ? 16 : 1) * text.length;

/** Code points of a text: what Python counts. */
export function pointLength(text: string): number {
  if (!hasPairs(text)) return text.length;
  let pairs = 0;
  for (let i = 1; i < text.length; i++) if (isPairAt(text, i - 1)) pairs++;
  return text.length - pairs;
}

function isPairAt(text: string, i: number): boolean {
  const high = text.charCodeAt(i);
  if (high < 0xd800 || high > 0xdbff) return false;
  const low = text.charCodeAt(i + 1);
  return low >= 0xdc00 && low <= 0xdfff;
}

/** The UTF-16 offset of a code point; the length of the text where there are fewer. */
export function unitOffset(text: string, point: number): number {
  if (!hasPairs(text)) return Math.min(point, text.length);
  let unit = 0;
  for (let i = 0; i < point && unit < text.length; i++) unit += isPairAt(text, unit) ? 2 : 1;
  return unit;
}

/** The code point number of a UTF-16 offset. */
export const pointOffset = (text: string, unit: number): number => pointLength(text.slice(0, unit));

/** The characters (code points) of a text, each with its marks. */
export function* characters(of: Text): Generator<Text, undefined> {
  for (let i = 0; i < of.text.length; ) {
    const next = i + (isPairAt(of.text, i) ? 2 : 1);
    yield slice(of, i, next);
    i = next;
  }
  return undefined;
}

/** The piece between two UTF-16 offsets. */
export function slice(of: Text, start: number, end = of.text.length): Text {
  if (start <= 0 && end >= of.text.length) return of.markup ? { kind: 'text', text: of.text, marks: of.marks } : of;
  const text = of.text.slice(start, end);
  if (of.marks.length === 0) return plain(text);
  const marks = of.marks.flatMap((mark) => {
    const from = Math.max(mark.start, start) - start;
    const to = Math.min(mark.end, end) - start;
    return from < to ? [{ start: from, end: to, message: mark.message }] : [];
  });
  return { kind: 'text', text, marks };
}

/** Texts one after another. */
export function concat(parts: readonly Text[]): Text {
  if (parts.length === 1 && !parts[0]!.markup) return parts[0]!;
  const marks: Mark[] = [];
  let offset = 0;
  for (const part of parts) {
    for (const mark of part.marks) addMark(marks, mark, offset);
    offset += part.text.length;
  }
  return { kind: 'text', text: parts.map(({ text }) => text).join(''), marks };
}

/** Puts a mark at the end, merged with the one before where they touch and are of one turn. */
export function addMark(marks: Mark[], mark: Mark, offset: number): undefined {
  const start = mark.start + offset;
  const end = mark.end + offset;
  const last = marks.at(-1);
  if (last && last.end === start && last.message === mark.message) marks[marks.length - 1] = { ...last, end };
  else marks.push({ start, end, message: mark.message });
}

/** A text cut at the borders of its marks: pieces that come from one turn, or from none, whole. */
function segments(of: Text): Text[] {
  const cuts = [0, ...of.marks.flatMap(({ start, end }) => [start, end]), of.text.length];
  return cuts.slice(1).flatMap((end, i) => (end > cuts[i]! ? [slice(of, cuts[i]!, end)] : []));
}

/**
 * A change of characters (case, escapes) that keeps the marks: each piece is changed alone. Where
 * that gives another text than changing it whole (a sigma at a border), the marks of a text of the
 * same length stay, else the whole counts as every turn's.
 */
export function mapText(of: Text, change: (text: string) => string): Text {
  const whole = change(of.text);
  if (of.marks.length === 0) return plain(whole);
  const changed = concat(
    segments(of).map(({ text, marks }) => {
      const to = change(text);
      return to === ''
        ? plain('')
        : { kind: 'text', text: to, marks: marks.map(({ message }) => ({ start: 0, end: to.length, message })) };
    }),
  );
  if (changed.text === whole) return changed;
  if (whole.length === of.text.length) return { kind: 'text', text: whole, marks: of.marks };
  return { kind: 'text', text: whole, marks: [{ start: 0, end: whole.length, message: of.marks[0]!.message }] };
}

/** What Python's `str.isspace` and `\s` know as white space beyond ASCII. */
const SPACE = /[\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** Whether a character is white space to Python: the separators U+001C to U+001F too. */
export function isSpace(character: string): boolean {
  const code = character.charCodeAt(0);
  return code < 0x80
    ? code === 0x20 || (code >= 9 && code <= 13) || (code >= 0x1c && code <= 0x1f)
    : SPACE.test(character);
}

/** Strips white space, or the characters of `chars`, from the sides that are asked for. */
export function strip(of: Text, side: 'left' | 'right' | 'both', chars?: string): Text {
  const set = chars === undefined ? undefined : new Set(chars);
  const drops = (character: string) => (set ? set.has(character) : isSpace(character));
  let start = 0;
  let end = of.text.length;
  const at = (i: number) => (isPairAt(of.text, i) ? of.text.slice(i, i + 2) : of.text[i]!);
  if (side !== 'right') while (start < end && drops(at(start))) start += at(start).length;
  if (side !== 'left')
    while (end > start) {
      const last = end - 2 >= start && isPairAt(of.text, end - 2) ? of.text.slice(end - 2, end) : of.text[end - 1]!;
      if (!drops(last)) break;
      end -= last.length;
    }
  return slice(of, start, end);
}

/** Orders texts by code points, as Python does. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] === b[i]) continue;
    // A low surrogate that differs belongs to equal high ones; else a surrogate stands above all of the plane.
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    const lift = (unit: number) => (unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit);
    return lift(x) - lift(y);
  }
  return a.length - b.length;
}
