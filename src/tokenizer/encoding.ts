import type { Encoding as RustEncoding } from 'tokenizers';

/** Tokens of a text, and where in it each stands. */
export interface Encoding {
  readonly ids: readonly number[];
  /**
   * UTF-16 offsets: token `t` stands for the text from `offsets[2 * t]` to `offsets[2 * t + 1]`.
   * Tokens that are parts of one character have that character's.
   */
  readonly offsets: Int32Array;
}

const SURROGATE = /[\ud800-\udfff]/;

/** UTF-16 offset of every code point of a text, and of its end; undefined where both count alike. */
function unitOffsets(text: string): Int32Array | undefined {
  if (!SURROGATE.test(text)) return undefined;
  const offsets = new Int32Array(text.length + 1);
  let point = 0;
  let unit = 0;
  for (const character of text) {
    offsets[point++] = unit;
    unit += character.length;
  }
  offsets[point] = unit;
  return offsets.subarray(0, point + 1);
}

/** What the library found, its offsets by code points made offsets by UTF-16 units. */
export function encodingOf(found: RustEncoding, text: string): Encoding {
  const ids = found.getIds();
  const units = unitOffsets(text);
  const offsets = new Int32Array(2 * ids.length);
  let t = 0;
  for (const [start, end] of found.getOffsets()) {
    offsets[t++] = units ? units[start!]! : start!;
    offsets[t++] = units ? units[end!]! : end!;
  }
  return { ids, offsets };
}

/** The first character of a text that is in no token, white space apart; undefined where all are. */
export function lostCharacter({ offsets }: Encoding, text: string): string | undefined {
  let reached = 0;
  const lost = (to: number) =>
    [...text.slice(reached, to)].find((character) => !/\s|\p{Default_Ignorable_Code_Point}/u.test(character));
  for (let t = 0; t < offsets.length; t += 2) {
    const found = offsets[t]! > reached ? lost(offsets[t]!) : undefined;
    if (found) return found;
    reached = Math.max(reached, offsets[t + 1]!);
  }
  return reached < text.length ? lost(text.length) : undefined;
}
