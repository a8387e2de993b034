import { dataError } from '../core/errors.js';
import { sha256 } from '../core/hash.js';
import { sameText } from '../core/same-text.js';
import { shownName } from '../core/shown.js';
import { estimateTokens } from '../curriculum/lengths.js';
import { saidBy } from '../data/detect.js';
import { isRow, RowProblem, withoutNulls } from '../data/fields.js';
import { formatOf } from '../data/importers.js';
import type { InstructionRecord } from '../data/record.js';
import { fieldOf, idOf, readRow } from '../data/row.js';
import { undefuse } from '../io/csv.js';
import type { FileRow } from '../io/file-row.js';
import { readRows } from '../io/rows.js';
import { type Cleaning, cleanScore } from './cleaning.js';

/** Where the scores are in a file that phasetune did not make. */
export interface RatingOptions {
  /** Default: `id`; rows without one that have a text get the id that importing gives them. */
  readonly idColumn?: string | undefined;
  /** Default: the first of `score`, `rating`, `difficulty` that there is. In JSON, dots reach inside. */
  readonly scoreColumn?: string | undefined;
  /** Scores beyond it are dropped. */
  readonly range?: readonly [low: number, high: number] | undefined;
}

/** What is known of a row besides its score; only of rows that come with their text. */
export interface RowText {
  /** Hash of all turns of the user, without what differs between two copies of a row, see {@link sameText}. */
  readonly key: string;
  /** The first characters of the first instruction, on one line. */
  readonly start: string;
  /** Estimated tokens of all that the user says. */
  readonly instruction: number;
  /** Estimated tokens of the last answer; missing where the file leaves answers out, as a sheet for raters does. */
  readonly answer?: number;
}

/** The scores of a file by the ids of its rows. */
export interface Ratings {
  readonly path: string;
  readonly scores: ReadonlyMap<string, number>;
  readonly texts: ReadonlyMap<string, RowText>;
  readonly cleaning: Cleaning;
}

/** Names under which a score is looked for. */
const SCORE_COLUMNS = ['score', 'rating', 'difficulty'];

/** Dropped rows that are listed one by one. */
const EXAMPLES = 5;

const START = 80;

/** A row of any file, not yet judged. */
interface RawRating {
  readonly place: string;
  readonly id: string | undefined;
  readonly score: unknown;
  readonly text: RowText | undefined;
  /** Why the row cannot be read, with its place. */
  readonly error?: string;
}

/**
 * Reads scores from a file of any kind that {@link readRows} reads: rows with a score in any format that importing knows, or ids and numbers, as in a table.
 * What is no number is dropped and counted, never guessed at, and so is a row that cannot be read. Throws a data error where a
 * column is missing and where no score is left.
 *
 * @example
 * const { scores, cleaning } = await readRatings('scored.jsonl', { range: [0, 500] });
 * console.log(scores.size, cleaning.kept);
 */
export async function readRatings(path: string, options: RatingOptions = {}): Promise<Ratings> {
  const found = collect();
  for await (const row of ratingsIn(path, options)) found.add(row, options.range);
  const { scores, texts, cleaning } = found.result();
  if (scores.size === 0) {
    const why = cleaning.empty < cleaning.rows / 2 && cleaning.examples[0] ? ` (${cleaning.examples[0]})` : '';
    throw dataError(`${path}: none of its ${cleaning.rows} rows has a score${why}`, {
      file: path,
      remedies: [
        { advice: 'fill in some' },
        { task: 'score', note: 'on them' },
        { option: 'scoreColumn', change: 'set', note: 'to the name of their column' },
      ],
    });
  }
  return { path, scores, texts, cleaning };
}

function collect() {
  const sums = new Map<string, { sum: number; count: number }>();
  const texts = new Map<string, RowText>();
  const counts = { rows: 0, kept: 0, trimmed: 0, empty: 0, notNumbers: 0, outOfRange: 0, withoutId: 0, unreadable: 0 };
  const examples: string[] = [];
  const drop = (problem: 'empty' | 'notNumbers' | 'outOfRange' | 'withoutId' | 'unreadable', line: string) => {
    counts[problem]++;
    if (problem !== 'empty' && examples.length < EXAMPLES) examples.push(line);
  };
  return {
    add({ place, id, score, text, error }: RawRating, range: RatingOptions['range']): void {
      counts.rows++;
      if (error !== undefined) {
        drop('unreadable', error);
        return;
      }
      if (id === undefined) {
        drop('withoutId', `${place}: expected an id, found none`);
        return;
      }
      const known = texts.get(id);
      if (text && !known) texts.set(id, text);
      const clean = cleanScore(score, range);
      if ('problem' in clean) {
        drop(clean.problem, `${place}: ${clean.reason}`);
        return;
      }
      counts.kept++;
      if (clean.trimmed) counts.trimmed++;
      const sum = sums.get(id) ?? { sum: 0, count: 0 };
      const another = known && text && known.key !== text.key;
      const value = another && sum.count > 0 ? sum.sum / sum.count : clean.score;
      sums.set(id, { sum: sum.sum + value, count: sum.count + 1 });
    },
    result(): Pick<Ratings, 'scores' | 'texts' | 'cleaning'> {
      const scores = new Map([...sums].map(([id, { sum, count }]) => [id, sum / count]));
      const shared = [...sums.values()].reduce((rows, { count }) => rows + (count > 1 ? count : 0), 0);
      return { scores, texts, cleaning: { ...counts, duplicates: shared, examples } };
    },
  };
}

async function* ratingsIn(path: string, options: RatingOptions): AsyncGenerator<RawRating> {
  let first = true;
  for await (const row of readRows(path)) {
    if (row.columns && first) checkColumns(path, row, options);
    first = false;
    const { place, error } = row;
    const value = saidBy(row);
    if (error || !isRow(value)) {
      yield { place, id: undefined, score: undefined, text: undefined, ...(error && { error: error.message }) };
      continue;
    }
    const record = recordOf(value);
    const columns = options.scoreColumn === undefined ? SCORE_COLUMNS : [options.scoreColumn];
    yield {
      place,
      id: ownId(fieldOf(value, options.idColumn ?? 'id'), row) || record?.id,
      score: columns.map((column) => fieldOf(value, column)).find((score) => score !== undefined),
      text: record ? recordText(record) : row.columns && sheetText(value),
    };
  }
  if (first) throw dataError(`${path}: no rows; expected at least one`, { file: path });
}

/** Throws where a table does not have the columns; rows that come with their text need none of ids. */
function checkColumns(path: string, row: FileRow, options: RatingOptions): void {
  const { columns } = row;
  const need = (wanted: string | undefined, known: readonly string[], option: string) => {
    if ((wanted === undefined ? known : [wanted]).some((one) => columns!.includes(one))) return;
    throw dataError(
      `${path}: expected a column ${wanted ?? known.join(' or ')}, found ${columns!.map((one) => shownName(one, 40)).join(', ')}`,
      { file: path, option, remedies: [{ option, change: 'set', note: 'to its name' }] },
    );
  };
  const value = row.value as Readonly<Record<string, unknown>> | undefined;
  if (options.idColumn !== undefined || !value || formatOf(value) === undefined)
    need(options.idColumn, ['id'], 'idColumn');
  need(options.scoreColumn, SCORE_COLUMNS, 'scoreColumn');
}

/** An id as importing writes it; the mark that a sheet has before what a spreadsheet would take for a formula is taken away. */
function ownId(value: unknown, { columns }: FileRow): string | undefined {
  if (columns && typeof value === 'string') return undefuse(value).trim();
  try {
    return idOf(value)?.trim();
  } catch (error) {
    if (error instanceof RowProblem) return undefined;
    throw error;
  }
}

/** The text of a row of a sheet for raters. */
function sheetText({ instruction, answer }: Readonly<Record<string, unknown>>): RowText | undefined {
  if (typeof instruction !== 'string') return undefined;
  return textOf([undefuse(instruction)], typeof answer === 'string' ? undefuse(answer) : '');
}

/** The row as importing reads it, without its score; undefined where it has no text, or none that could be trained on. */
function recordOf(value: Readonly<Record<string, unknown>>): InstructionRecord | undefined {
  const { score: _, ...rest } = withoutNulls(value);
  const format = formatOf(rest);
  if (!format) return undefined;
  try {
    return readRow(rest, format, undefined).record;
  } catch (error) {
    if (error instanceof RowProblem) return undefined;
    throw error;
  }
}

/** What is kept of a row's text. */
export function recordText({ messages }: InstructionRecord): RowText {
  const asked = messages.filter(({ role }) => role === 'user').map(({ content }) => content);
  return textOf(asked, messages.at(-1)!.content);
}

function textOf(asked: readonly string[], answer: string): RowText {
  const plain = asked.join('\n').replace(/\s+/g, ' ').trim();
  return {
    key: sha256(sameText(plain)),
    start: plain.length > START ? `${plain.slice(0, START - 1)}…` : plain,
    instruction: asked.reduce((sum, text) => sum + estimateTokens(text), 0),
    ...(answer !== '' && { answer: estimateTokens(answer) }),
  };
}
