/** Characters below which a common part is a word or name that an answer may well take from its question. */
const LEAST = 32;

/**
 * True if more than half of an answer is one piece of the instruction (white space aside) of at least 32 characters, or
 * of nine tenths of the instruction. Linear in both lengths: a common piece of more than half of the answer contains
 * the answer's middle, so the longest piece around it is found by two passes of the Z algorithm.
 */
export function isCopy(instruction: string, answer: string): boolean {
  const asked = [...even(instruction)];
  const said = [...even(answer)];
  if (said.length === 0 || asked.length === 0) return false;
  const common = longestAroundMiddle(said, asked);
  return 2 * common > said.length && (common >= LEAST || 10 * common >= 9 * asked.length);
}

const even = (text: string) => text.trim().replace(/\s+/g, ' ');

/** Length of the longest piece of `text` that contains its middle and is in `other`, too. */
function longestAroundMiddle(text: readonly string[], other: readonly string[]): number {
  const middle = text.length >> 1;
  const right = prefixLengths(text.slice(middle), other);
  const left = prefixLengths(text.slice(0, middle).reverse(), [...other].reverse());
  let longest = 0;
  for (let i = 0; i < other.length; i++) {
    if (right[i] === 0) continue;
    const before = i === 0 ? 0 : left[other.length - i]!;
    longest = Math.max(longest, right[i]! + before);
  }
  return longest;
}

/** For each place of `other`, how many characters of `prefix` stand there. */
function prefixLengths(prefix: readonly string[], other: readonly string[]): Int32Array {
  const all = [...prefix, '', ...other];
  const z = new Int32Array(all.length);
  for (let i = 1, from = 0, to = 0; i < all.length; i++) {
    let length = i < to ? Math.min(to - i, z[i - from]!) : 0;
    while (i + length < all.length && all[length] === all[i + length]) length++;
    z[i] = length;
    if (i + length > to) [from, to] = [i, i + length];
  }
  return z.subarray(prefix.length + 1);
}
