import { numberOf } from '../core/number.js';
import { andMore, show } from '../core/shown.js';

/** What became of the scores of a file. Every row is counted in one of kept, empty, notNumbers, outOfRange, withoutId, unreadable. */
export interface Cleaning {
  readonly rows: number;
  /** Rows whose score is used; of rows that share an id, all. */
  readonly kept: number;
  /** Of the kept, those with white space around the number, such as "3.5\n\n". */
  readonly trimmed: number;
  readonly empty: number;
  readonly notNumbers: number;
  readonly outOfRange: number;
  readonly withoutId: number;
  /** Rows that could not be read at all, such as a line that is cut off. */
  readonly unreadable: number;
  /** Of the kept, those whose id another row has as well. Their mean is used; where the texts differ too, the first row. */
  readonly duplicates: number;
  /** The first rows that were dropped, as "place: what was expected and what came". */
  readonly examples: readonly string[];
}

/** A score as it was found: a number, or why it is none. */
export type CleanScore =
  | { readonly score: number; readonly trimmed: boolean }
  | { readonly problem: 'empty' | 'notNumbers' | 'outOfRange'; readonly reason: string };

/** Reads a score that may be a text with white space around a number; `range` holds the numbers that are allowed. */
export function cleanScore(raw: unknown, range?: readonly [low: number, high: number]): CleanScore {
  const text = typeof raw === 'string' ? raw.trim() : raw;
  if (text === undefined || text === null || text === '') return { problem: 'empty', reason: 'no score' };
  const score = typeof text === 'string' ? (numberOf(text) ?? text) : text;
  if (typeof score !== 'number' || !Number.isFinite(score)) {
    const comma =
      typeof text === 'string' && numberOf(text.replace(',', '.')) !== undefined ? ' (write a point, not a comma)' : '';
    return { problem: 'notNumbers', reason: `expected a number, found ${show(raw)}${comma}` };
  }
  if (range && (score < range[0] || score > range[1]))
    return { problem: 'outOfRange', reason: `expected a number from ${range[0]} to ${range[1]}, found ${score}` };
  return { score, trimmed: text !== raw };
}

/** The report as sentences for people; none where every row is used as it is. */
export function cleaningLines({ rows, kept, examples, ...counts }: Cleaning): string[] {
  const problems = [
    [counts.trimmed, 'had white space around the number'],
    [counts.empty, 'had no score'],
    [counts.notNumbers, 'had something other than a number'],
    [counts.outOfRange, 'were out of range'],
    [counts.withoutId, 'had no id'],
    [counts.unreadable, 'could not be read'],
    [counts.duplicates, 'shared an id with another row'],
  ] as const;
  const sentences = problems.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  if (sentences.length === 0) return [];
  const more = rows - kept - counts.empty - examples.length;
  return [
    `${kept} of ${rows} rows used: ${sentences.join(', ')}`,
    ...examples,
    ...(more > 0 ? [`...${andMore(more)}`] : []),
  ];
}
