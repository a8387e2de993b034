import { random } from '../core/random.js';
import { type ShingleSets, similarity } from './shingles.js';

/** How similar instructions must be, and the seed of the hash functions. */
export interface NearOptions {
  /** Least Jaccard similarity of near-duplicates; 0 finds only equal instructions. */
  readonly nearDuplicates: number;
  readonly seed: number;
}

/** Rows in clusters of instructions that are equal or nearly so. */
export interface Duplicates {
  /** The first row of the cluster that each row is in. */
  readonly clusterOf: Int32Array;
  /** Rows whose instruction an earlier row has, white space and case apart. */
  readonly exact: number;
  /** Different instructions that are near-duplicates of an earlier one, directly or through others. */
  readonly near: number;
  /** Clusters of two rows and more, and the rows of the largest. */
  readonly clusters: number;
  readonly largest: number;
  /** Pairs of one bucket that were not compared because there were too many. */
  readonly uncompared: number;
}

/** Most hash functions, and how rarely a pair exactly at the threshold may be missed. */
const MOST_HASHES = 128;
const MISS_RATE = 2e-3;

/**
 * Most rows of its bucket whose sketches a row is compared with, and most that it is compared with
 * shingle by shingle.
 */
const MOST_SKETCHES = 1024;
const MOST_COMPARISONS = 256;

/**
 * Bands, and rows per band, for a threshold: the most rows per band, with at most 128 hashes in
 * all, at which a pair exactly at the threshold t is missed at most twice in a thousand times; the
 * chance is (1 - t^rows)^bands (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, 3.4).
 * At 0.8 these are 21 bands of 6 rows.
 */
export function bandsFor(threshold: number): { bands: number; rows: number } {
  for (let rows = MOST_HASHES; rows > 1; rows--) {
    const bands = Math.floor(MOST_HASHES / rows);
    if ((1 - threshold ** rows) ** bands <= MISS_RATE) return { bands, rows };
  }
  return { bands: MOST_HASHES, rows: 1 };
}

/**
 * Finds equal instructions by their keys (two words each) and near ones by MinHash: rows that agree
 * in all hashes of a band are compared, shingle by shingle. Clusters are joined transitively.
 * Yields the share done, between 0 and 1, after every band.
 */
export function* findDuplicates(
  keys: Uint32Array,
  sets: ShingleSets | undefined,
  { nearDuplicates, seed }: NearOptions,
): Generator<number, Duplicates> {
  const forest = Int32Array.from({ length: keys.length / 2 }, (_, row) => row);
  const distinct = joinEqual(keys, forest);
  let uncompared = 0;
  if (sets && nearDuplicates > 0) {
    const { bands, rows } = bandsFor(nearDuplicates);
    const rng = random(seed, 'curriculum', 'minhash');
    const salts = () => Int32Array.from({ length: 2 * rows }, (_, i) => rng.integer(2 ** 32) | (i % 2));
    const entries = entriesOf(sets, distinct);
    for (let band = 0; band < bands; band++) {
      putKeys(entries, sets, distinct, salts());
      uncompared += joinNear(entries, sets, distinct, nearDuplicates, forest);
      yield (band + 1) / bands;
    }
  }
  return summarizeClusters(forest, distinct.length, uncompared);
}

/** The first row of a row's cluster; shortens the path to it. */
function find(forest: Int32Array, row: number): number {
  let at = row;
  while (forest[at] !== at) {
    forest[at] = forest[forest[at]!]!;
    at = forest[at]!;
  }
  return at;
}

function join(forest: Int32Array, x: number, y: number): void {
  const [a, b] = [find(forest, x), find(forest, y)];
  forest[Math.max(a, b)] = Math.min(a, b);
}

/** Heads of the chains of a hash table, by the low bits of a key. */
const headsFor = (rows: number) => new Int32Array(2 ** Math.ceil(Math.log2(Math.max(2, 2 * rows)))).fill(-1);

/** Joins rows of equal keys; returns the first row of each key. */
function joinEqual(keys: Uint32Array, forest: Int32Array): Uint32Array {
  const heads = headsFor(forest.length);
  const next = new Int32Array(forest.length);
  const distinct: number[] = [];
  for (let row = 0; row < forest.length; row++) {
    const slot = keys[2 * row]! & (heads.length - 1);
    let at = heads[slot]!;
    while (at >= 0 && (keys[2 * at] !== keys[2 * row] || keys[2 * at + 1] !== keys[2 * row + 1])) at = next[at]!;
    if (at >= 0) {
      forest[row] = at;
      continue;
    }
    distinct.push(row);
    next[row] = heads[slot]!;
    heads[slot] = row;
  }
  return Uint32Array.from(distinct);
}

/** Numbers of an entry: eight per row, half a cache line, because a chain leads all over the table. */
const ENTRY = 8;
const [NEXT, KEY, SIZE, LOW, HIGH] = [0, 1, 2, 3, 4];

/**
 * An entry for each row: the next of its chain, the key of a band, the size of its set, and a
 * sketch of 64 bits: bit b says whether an odd number of its shingles falls on b. Where two
 * sketches differ, the sets do, in at least as many shingles.
 */
function entriesOf(sets: ShingleSets, rows: Uint32Array): Int32Array {
  const entries = new Int32Array(ENTRY * rows.length);
  for (let i = 0; i < rows.length; i++) {
    const { hashes, from, to } = sets.at(rows[i]!);
    let [low, high] = [0, 0];
    for (let j = from; j < to; j++) {
      const bit = hashes[j]! & 63;
      if (bit < 32) low ^= 1 << bit;
      else high ^= 1 << (bit - 32);
    }
    entries[ENTRY * i + SIZE] = to - from;
    entries[ENTRY * i + LOW] = low;
    entries[ENTRY * i + HIGH] = high;
  }
  return entries;
}

/**
 * Gives each entry one number made of the band's smallest hashes. `salts` are two numbers a hash
 * function, the second odd.
 */
function putKeys(entries: Int32Array, sets: ShingleSets, rows: Uint32Array, salts: Int32Array): void {
  for (let i = 0; i < rows.length; i++) {
    const { hashes, from, to } = sets.at(rows[i]!);
    let key = 0;
    for (let f = 0; f < salts.length; f += 2) {
      const [salt, factor] = [salts[f]!, salts[f + 1]!];
      let least = 0x7fffffff;
      for (let j = from; j < to; j++) {
        // Shingles are hashes already: a product is mixed enough where it counts, in the high bits.
        const h = Math.imul(hashes[j]! ^ salt, factor);
        if (h < least) least = h;
      }
      key = Math.imul(key ^ least, 0x9e3779b1);
      key ^= key >>> 15;
    }
    entries[ENTRY * i + KEY] = key;
  }
}

/** Bits that are set. */
function popcount(bits: number): number {
  let n = bits - ((bits >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/**
 * Joins the near-duplicates among rows whose entries have equal keys. Returns how many rows had too
 * many to compare with.
 */
function joinNear(
  entries: Int32Array,
  sets: ShingleSets,
  rows: Uint32Array,
  threshold: number,
  forest: Int32Array,
): number {
  const heads = headsFor(rows.length);
  // Sets of n and m shingles with a Jaccard similarity of t differ in at most (n + m) (1 - t) / (1 + t) of them.
  const differing = (1 - threshold) / (1 + threshold);
  let left = 0;
  for (let i = 0; i < rows.length; i++) {
    const at = ENTRY * i;
    const [key, size, low, high] = [entries[at + KEY]!, entries[at + SIZE]!, entries[at + LOW]!, entries[at + HIGH]!];
    const slot = key & (heads.length - 1);
    let [compared, looked] = [0, 0];
    for (let j = heads[slot]!; j >= 0; j = entries[ENTRY * j + NEXT]!) {
      const other = ENTRY * j;
      if (entries[other + KEY] !== key) continue;
      if (++looked > MOST_SKETCHES || compared > MOST_COMPARISONS) {
        left++;
        break;
      }
      const differ = popcount(entries[other + LOW]! ^ low) + popcount(entries[other + HIGH]! ^ high);
      if (differ > differing * (size + entries[other + SIZE]!) + 1e-9) continue;
      if (find(forest, rows[i]!) === find(forest, rows[j]!)) continue;
      compared++;
      if (similarity(sets, rows[i]!, rows[j]!, threshold) >= threshold) join(forest, rows[i]!, rows[j]!);
    }
    entries[at + NEXT] = heads[slot]!;
    heads[slot] = i;
  }
  return left;
}

function summarizeClusters(forest: Int32Array, distinct: number, uncompared: number): Duplicates {
  const sizes = new Uint32Array(forest.length);
  for (let row = 0; row < forest.length; row++) {
    forest[row] = find(forest, row);
    sizes[forest[row]!]!++;
  }
  let [all, clusters, largest] = [0, 0, 0];
  for (const size of sizes) {
    if (size > 0) all++;
    if (size > 1) clusters++;
    largest = Math.max(largest, size);
  }
  return { clusterOf: forest, exact: forest.length - distinct, near: distinct - all, clusters, largest, uncompared };
}
