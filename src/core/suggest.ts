/** Edits that turn one word into the other: insert, delete, replace, swap two neighbours (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        next[j] = Math.min(next[j]!, before[j - 2]! + 1);
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}

const plain = (word: string) => word.toLowerCase().replace(/[-_. ]/g, '');

/**
 * Whether two names are the same, except for the way that words are parted in them: `learning_rate`
 * and `learningRate`.
 */
export const sameName = (one: string, other: string): boolean => plain(one) === plain(other);

/** Longest word that is looked at: nobody means an option by a longer one. */
const MAX_WORD = 100;

/**
 * The candidate that a mistyped word most likely meant, or undefined when none is near. Case, `-`,
 * `_` and `.` do not count.
 */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > MAX_WORD) return undefined;
  const typed = plain(word);
  let best: string | undefined;
  let bestCost = Math.max(1, Math.floor(typed.length / 3)) + 0.5;
  for (const candidate of candidates) {
    const name = plain(candidate);
    const last = plain(candidate.split('.').at(-1)!);
    const cost = Math.min(
      distance(typed, name),
      last === typed ? 0.25 : Number.POSITIVE_INFINITY,
      typed.length >= 3 && name.startsWith(typed) ? 1 : Number.POSITIVE_INFINITY,
    );
    if (cost < bestCost) [best, bestCost] = [candidate, cost];
  }
  return best;
}

/** ` (did you mean "x"?)` for the end of an error message, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const nearest = suggest(word, candidates);
  return nearest === undefined ? '' : ` (did you mean "${nearest}"?)`;
}
