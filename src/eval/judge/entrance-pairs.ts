import { type Random, random } from '../../core/random.js';
import { type EvalRow, instructionText } from '../sets/eval-row.js';
import { codePoints } from './length.js';

/** What a row's own answer is put against: another row's answer, its own words in another order, or itself. */
export type EntranceCase = 'other' | 'scrambled' | 'equal';

/** A pair whose better answer is known. */
export interface EntrancePair extends Pick<EvalRow, 'messages'> {
  readonly case: EntranceCase;
  readonly item: string;
  readonly own: string;
  readonly against: string;
}

/** A row that pairs can be made of. */
interface Candidate {
  readonly row: EvalRow;
  readonly own: string;
  readonly instruction: string;
  readonly length: number;
}

/** Words that an answer has at least: of few words, another order may be as good. */
const LEAST_WORDS = 5;

/** One row of so many is also judged against itself: that costs a question, and shows only which place is preferred. */
const EQUAL_EVERY = 4;

/**
 * Pairs of the rows' own answers (references), of `rows` rows drawn by a seed: each against the answer of another row
 * that is nearest in length, against its own words in another order, and every fourth against itself. Rows without a
 * reference of five words are left out. Equal rows and options give equal pairs.
 */
export function entrancePairs(
  rows: readonly EvalRow[],
  { rows: wanted, seed }: { readonly rows: number; readonly seed: number },
): EntrancePair[] {
  const rng = random(seed, 'judge', 'entrance');
  const candidates = rows.flatMap((row): Candidate[] => {
    const own = row.reference?.trim();
    if (own === undefined || wordsOf(own).words.length < LEAST_WORDS) return [];
    return [{ row, own, instruction: instructionText(row), length: codePoints(own) }];
  });
  const byLength = candidates.toSorted((x, y) => x.length - y.length);
  const pairs: EntrancePair[] = [];
  let drawn = 0;
  for (const one of rng.shuffle(candidates)) {
    if (drawn === wanted) break;
    const other = nearest(one, byLength);
    const scrambled = scramble(one.own, rng);
    if (other === undefined || scrambled === undefined) continue;
    const { row, own } = one;
    const item = `${row.set} ${row.id}`;
    const pair = { item, messages: row.messages, own };
    pairs.push({ ...pair, case: 'other', against: other.own }, { ...pair, case: 'scrambled', against: scrambled });
    if (drawn % EQUAL_EVERY === 0) pairs.push({ ...pair, case: 'equal', against: own });
    drawn++;
  }
  return pairs;
}

/** The row with another instruction and another answer that is nearest in length; the shorter of two equally near. */
function nearest(one: Candidate, byLength: readonly Candidate[]): Candidate | undefined {
  const differs = (other: Candidate) => other.instruction !== one.instruction && other.own !== one.own;
  const at = byLength.indexOf(one);
  let [below, above] = [at - 1, at + 1];
  while (below >= 0 && !differs(byLength[below]!)) below--;
  while (above < byLength.length && !differs(byLength[above]!)) above++;
  const [x, y] = [byLength[below], byLength[above]];
  if (!x || !y) return x ?? y;
  return one.length - x.length <= y.length - one.length ? x : y;
}

/** A text in pieces, and the places of those that are words: all others are white space and stay where they are. */
function wordsOf(text: string): { readonly pieces: readonly string[]; readonly words: readonly number[] } {
  // Scripts that write no white space have words too.
  const pieces = /\s/.test(text) ? text.split(/(\s+)/) : [...SEGMENTER.segment(text)].map(({ segment }) => segment);
  return { pieces, words: [...pieces.keys()].filter((i) => pieces[i]!.trim() !== '') };
}

const SEGMENTER = new Intl.Segmenter('en', { granularity: 'word' });

/** Shuffles until the text is another one; five words that are all the same never are. */
const SHUFFLES = 20;

function scramble(text: string, rng: Random): string | undefined {
  const { pieces, words } = wordsOf(text);
  for (let i = 0; i < SHUFFLES; i++) {
    const shuffled = [...pieces];
    for (const [k, from] of rng.shuffle(words).entries()) shuffled[words[k]!] = pieces[from]!;
    const scrambled = shuffled.join('');
    if (scrambled !== text) return scrambled;
  }
  return undefined;
}
