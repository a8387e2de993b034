import { sameText } from '../core/same-text.js';
import type { InstructionRecord } from '../data/record.js';

/** Words in a shingle. With the marks at both ends, one changed word changes three of the L + 2 shingles of L words. */
export const SHINGLE_WORDS = 3;

/**
 * Most shingles kept for a row: of a longer row those with the smallest hashes, a sample of the set
 * (Broder 1997, bottom-k).
 */
const MOST_SHINGLES = 256;

/** Shingles in a piece of memory; a row never spans two. */
const PIECE = 2 ** 20;

/** Sets of hashed shingles, one per row, each sorted; packed so that a million rows take their bytes and no more. */
export interface ShingleSets {
  readonly rows: number;
  /** Where the set of a row lies: `hashes[from]` to before `hashes[to]`. */
  at(row: number): { readonly hashes: Uint32Array; readonly from: number; readonly to: number };
}

/** Shingle sets to which rows are added one by one. */
export interface ShingleStore extends ShingleSets {
  add(record: InstructionRecord): void;
}

/** Makes an empty store; see {@link ShingleSets}. */
export function openShingles(): ShingleStore {
  const pieces: Uint32Array[] = [];
  const starts: number[] = [];
  const counts: number[] = [];
  let next = 0;
  return {
    get rows() {
      return starts.length;
    },
    add(record) {
      const hashes = shinglesOf(record);
      if (next + hashes.length > pieces.length * PIECE) {
        next = pieces.length * PIECE;
        pieces.push(new Uint32Array(PIECE));
      }
      pieces.at(-1)!.set(hashes, next % PIECE);
      starts.push(next);
      counts.push(hashes.length);
      next += hashes.length;
    },
    at(row) {
      const start = starts[row]!;
      const from = start % PIECE;
      return { hashes: pieces[Math.floor(start / PIECE)]!, from, to: from + counts[row]! };
    },
  };
}

/** Writing without spaces between words: each character is a word. */
const UNSPACED = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}';
/**
 * Runs of letters and digits, and single signs that carry meaning, such as + or #; the punctuation
 * of sentences is left out.
 */
const WORD = new RegExp(
  `[${UNSPACED}]|(?:(?![${UNSPACED}])[\\p{L}\\p{M}\\p{N}])+|[^\\s\\p{L}\\p{M}\\p{N}.,;:!?'"\u2018\u2019\u201c\u201d()]`,
  'gu',
);

const EDGE = 0x5bd1e995;

/**
 * The sorted hashes of a row's shingles: runs of three words of all turns before the answer,
 * without system turns, normalised by {@link sameText}, with marks before the first and after the
 * last word. At most 256 of them, those with the smallest hashes.
 */
export function shinglesOf({ messages }: InstructionRecord): Uint32Array {
  const shingles = new Set<number>();
  for (const { role, content } of messages.slice(0, -1)) {
    if (role === 'system') continue;
    let [before, last] = [EDGE, EDGE];
    const shift = (word: number) => {
      shingles.add(shingle(before, last, word));
      [before, last] = [last, word];
    };
    for (const word of sameText(content, true).match(WORD) ?? []) shift(hashWord(word));
    shift(EDGE);
    shift(EDGE);
  }
  const hashes = Uint32Array.from(shingles).sort();
  return hashes.length > MOST_SHINGLES ? hashes.slice(0, MOST_SHINGLES) : hashes;
}

/** FNV-1a over UTF-16 units. */
function hashWord(word: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) h = Math.imul(h ^ word.charCodeAt(i), 0x01000193);
  return h;
}

function shingle(first: number, second: number, third: number): number {
  return mix(Math.imul(mix(Math.imul(mix(first) ^ second, 0x9e3779b1)) ^ third, 0x85ebca6b)) >>> 0;
}

/** Spreads every bit over all others; the last step of MurmurHash3. */
function mix(h: number): number {
  let z = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return z ^ (z >>> 16);
}

/** Jaccard similarity of the sets of two rows, or -1 as soon as it is known to be under `least`. */
export function similarity(sets: ShingleSets, x: number, y: number, least: number): number {
  const a = sets.at(x);
  const b = sets.at(y);
  const [n, m] = [a.to - a.from, b.to - b.from];
  if (n === 0 || m === 0) return n === m ? 1 : -1;
  // With fewer in both, the Jaccard similarity is under `least`.
  const needed = Math.ceil((least / (1 + least)) * (n + m) - 1e-9);
  let [i, j, both] = [a.from, b.from, 0];
  while (i < a.to && j < b.to) {
    if (both + Math.min(a.to - i, b.to - j) < needed) return -1;
    const [p, q] = [a.hashes[i]!, b.hashes[j]!];
    if (p === q) both++;
    if (p <= q) i++;
    if (q <= p) j++;
  }
  return both >= needed ? both / (n + m - both) : -1;
}
