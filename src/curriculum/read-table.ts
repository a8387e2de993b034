import { setImmediate } from 'node:timers/promises';
import { dataError } from '../core/errors.js';
import { jsonText } from '../core/json-text.js';
import type { InstructionRecord } from '../data/record.js';
import { bandsFor, type Duplicates, findDuplicates } from './duplicates.js';
import type { Measure } from './lengths.js';
import type { StagingPlan } from './staging-options.js';
import { openTable, type RowTable } from './table.js';

/** How far a staging is; reported every 50,000 rows, so never for a small set. */
export interface StagingProgress {
  readonly doing: 'reading' | 'comparing' | 'writing';
  /** Rows read or written; bands of hashes compared. */
  readonly done: number;
  /** Unknown while reading. */
  readonly total?: number;
}

/** Progress and interruption of the reading. */
export interface ReadingHooks {
  onProgress?(progress: StagingProgress): void;
  readonly signal?: AbortSignal;
}

/** Rows after which the signal is checked and progress reported. */
export const REPORT_EVERY = 50_000;
/** Rows from which on comparing takes so long that its progress is reported. */
const SLOW_TO_COMPARE = 200_000;
/** Most rows that are measured together, and about how many characters. */
const MEASURED = { rows: 32, characters: 1 << 20 };

/** Rows, one by one, in any way. */
export type Rows = Iterable<InstructionRecord> | AsyncIterable<InstructionRecord>;

/** How {@link readTable} reads. */
export interface TableReading extends ReadingHooks {
  readonly plan: Pick<StagingPlan, 'nearDuplicates' | 'unscored'>;
  readonly measure: Measure;
  /** Is given every scored row, in order, and its place in the table. */
  onRow?(row: InstructionRecord, place: number): void;
  /** Takes the scored rows as lines of JSON, some together, without the stage that they had. */
  keep?(lines: string): void | Promise<void>;
}

/** The table of a set's scored rows. */
export interface ReadTable {
  readonly table: RowTable;
  /** Rows read, those without a score among them. */
  readonly read: number;
  readonly without: number;
}

/**
 * Reads rows: what cutting needs goes into a table, the scored rows themselves to `keep`. Throws a data error for an
 * empty set, for unscored rows unless they are dropped, and for a score that is not finite.
 */
export async function readTable(rows: Rows, reading: TableReading): Promise<ReadTable> {
  const { plan, measure, onProgress, signal } = reading;
  const builder = openTable({ near: plan.nearDuplicates > 0 });
  const unscored = { count: 0, named: [] as string[] };
  let [read, characters, scored] = [0, 0, 0];
  let batch: InstructionRecord[] = [];
  const take = async () => {
    const lengths = await measure.count(batch);
    let text = '';
    for (const [i, { stage: _, ...row }] of batch.entries()) {
      builder.add(row, row.score!, lengths[i]!);
      reading.onRow?.(row, scored++);
      text += `${jsonText(row)}\n`;
    }
    batch = [];
    characters = 0;
    await reading.keep?.(text);
  };
  for await (const row of rows) {
    if (++read % REPORT_EVERY === 0) {
      onProgress?.({ doing: 'reading', done: read });
      signal?.throwIfAborted();
    }
    if (row.score === undefined) {
      if (unscored.count++ < 5) unscored.named.push(row.id);
      continue;
    }
    if (!Number.isFinite(row.score))
      throw dataError(`row ${row.id}: expected a number as score, got ${row.score}`, { id: row.id });
    characters += row.messages.reduce((sum, { content }) => sum + content.length, 0);
    if (batch.push(row) === MEASURED.rows || characters > MEASURED.characters) await take();
  }
  await take();
  if (read === 0) throw dataError('the set is empty; expected scored rows');
  if (unscored.count > 0 && plan.unscored === 'refuse') throw unscoredRows(unscored, read);
  return { table: builder.done(), read, without: unscored.count };
}

const unscoredRows = ({ count, named }: { count: number; named: readonly string[] }, read: number) =>
  dataError(`${count} of ${read} rows have no score (${named.join(', ')}${count > named.length ? ', ...' : ''})`, {
    rows: count,
    remedies: [
      { advice: 'give each a score' },
      { option: 'scoreField', change: 'set', note: 'to name the field of the scores' },
      { option: 'unscored', change: 'set', value: 'drop', note: 'to leave them out' },
    ],
  });

/** Finds the near-duplicates of a table, letting signals and the display have their turn. */
export async function duplicatesOf(
  { keys, shingles, rows }: RowTable,
  plan: Pick<StagingPlan, 'nearDuplicates' | 'seed'>,
  { onProgress, signal }: ReadingHooks,
): Promise<Duplicates> {
  const search = findDuplicates(keys, shingles, plan);
  for (let done = 1; ; done++) {
    const next = search.next();
    if (next.done) return next.value;
    if (rows >= SLOW_TO_COMPARE) onProgress?.({ doing: 'comparing', done, total: bandsFor(plan.nearDuplicates).bands });
    await setImmediate();
    signal?.throwIfAborted();
  }
}
