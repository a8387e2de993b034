import { join } from 'node:path';
import { dataError } from '../core/errors.js';
import type { FileRow } from '../io/file-row.js';
import { listFolder, statPath } from '../io/files.js';
import { readRows } from '../io/rows.js';
import { type Logger, silentLogger } from '../telemetry/logger.js';
import { heapShare } from '../telemetry/memory.js';
import { checkNoListInside, detectFormat, saidBy } from './detect.js';
import { isRow, RowProblem } from './fields.js';
import { type ImportState, newImport, noteLines, type RowsFound, reportProblems, SHOWN_ROWS } from './import-report.js';
import type { Answers, RowFormat } from './importer.js';
import type { ImportOptions } from './options.js';
import type { InstructionRecord } from './record.js';
import { type ReadRow, readRow } from './row.js';
import { withUniqueId } from './unique-ids.js';

/** Rows of a file as records, and what had to be done to get there. */
export interface ImportedRows {
  readonly records: readonly InstructionRecord[];
  readonly format: RowFormat;
  /** Rows left out under `badRows: 'skip'`, each as "place: what was expected and what came". */
  readonly skipped: readonly string[];
  /** Rows whose own id an earlier row has; theirs got a number at its end. */
  readonly renamed: number;
  /** Rows without an id that are equal to an earlier row; their ids, too, got a number at their end. */
  readonly equal: number;
}

/** How a file is read. */
export interface ReadingOptions extends ImportOptions {
  /**
   * `optional`: rows may be instructions alone, and the files of published sets are known too, as
   * `docs/evaluation-sets.md` lists them. Default `required`.
   */
  readonly answers?: Answers | undefined;
}

/** Rows by which `auto` recognises the format. */
const DETECTION_ROWS = 5;

/**
 * Share of the memory that Node.js may use at which reading stops, and after how many bytes of rows
 * that is checked again.
 */
const FULL = { share: 0.9, bytes: 16 << 20 };

/**
 * Reads a file of rows of any kind that {@link readRows} reads, in any {@link RowFormat}, as a
 * stream: of a row that was handed on only the id is kept. A bad row (broken, no answer, a score
 * that is no number, a field of the wrong type) refuses the file with a data error that names it,
 * thrown when all rows were read, or is skipped and logged. A row without an id gets one made of
 * its content. A later row of the same id becomes `id-2`, and that is logged; it is an error where
 * `format` is `records`, since other files refer to those ids. `found` holds, at any time, what has
 * been read so far.
 */
export function streamRows(
  path: string,
  options: ReadingOptions,
  logger: Logger = silentLogger,
): { rows: AsyncGenerator<InstructionRecord>; found: RowsFound } {
  const found = newImport();
  return { rows: recordsOf(path, options, found, logger), found };
}

async function* recordsOf(
  path: string,
  options: ReadingOptions,
  found: ImportState,
  logger: Logger,
): AsyncGenerator<InstructionRecord> {
  const { answers = 'required' } = options;
  if (options.format !== 'auto') found.format = options.format;
  let first: FileRow[] = [];
  let only: FileRow | undefined;
  for await (const row of readRows(path)) {
    found.read++;
    found.bytes += row.bytes;
    only = found.read === 1 ? row : undefined;
    if (found.format === undefined && first.push(row) < DETECTION_ROWS) continue;
    found.format ??= detectFormat(first, path, answers);
    const ready = first.length > 0 ? first : [row];
    first = [];
    for (const each of ready) {
      const record = recordOf(each, found, options);
      if (record) yield record;
    }
  }
  if (found.read === 0) throw dataError(`${path}: no rows; expected at least one`, { file: path });
  if (only && options.format === 'auto') checkNoListInside(only, path, answers);
  found.format ??= detectFormat(first, path, answers);
  for (const row of first) {
    const record = recordOf(row, found, options);
    if (record) yield record;
  }
  reportProblems(found, options.badRows, path, logger);
  if (found.kept === 0)
    throw dataError(
      `${path}: ${found.read === 1 ? 'its only row was' : `all ${found.read} rows were`} skipped; nothing is left`,
      { file: path },
    );
  for (const line of noteLines(found)) logger.warn(`${path}: ${line}`);
}

/**
 * The record of a row; undefined for a bad one, and for every row after it where the file will be
 * refused: those are only checked.
 */
function recordOf(row: FileRow, found: ImportState, options: ReadingOptions): InstructionRecord | undefined {
  try {
    if (row.error) throw row.error;
    const read = readAs(row, found, options);
    if (found.bad > 0 && options.badRows === 'refuse') return undefined;
    found.kept++;
    if (options.answers !== 'optional') {
      count(found.turnFields, read.turnFields);
      count(found.unusedFields, read.unusedFields);
    }
    if (read.note !== undefined) count(found.notes, [read.note]);
    return withUniqueId(read, row.place, found, options);
  } catch (error) {
    if (!(error instanceof RowProblem) && error !== row.error) throw error;
    found.bad++;
    const problem = error === row.error ? (error as Error).message : `${row.place}: ${(error as Error).message}`;
    if (options.badRows === 'skip' || found.bad <= SHOWN_ROWS + 1) found.problems.push(problem);
    return undefined;
  }
}

/** Where the format was not named, rows with `messages` may be our records or anybody's: each is read as what it is. */
function readAs(row: FileRow, found: ImportState, { format, scoreField, answers }: ReadingOptions): ReadRow {
  const value = saidBy(row);
  const mayBeOurs = found.format === 'records' || (isRow(value) && ('stage' in value || 'meta' in value));
  if (format === 'auto' && mayBeOurs && (found.format === 'records' || found.format === 'messages'))
    try {
      return readRow(value, 'records', scoreField, answers);
    } catch (error) {
      if (!(error instanceof RowProblem)) throw error;
      const read = readRow(value, 'messages', scoreField, answers);
      found.format = 'messages';
      return read;
    }
  return readRow(value, found.format!, scoreField, answers);
}

function count(counts: Map<string, number>, names: readonly string[]): void {
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** All rows of a file; see {@link streamRows}. More rows than memory holds are a data error that says what to do. */
export async function importFile(
  path: string,
  options: ReadingOptions,
  logger: Logger = silentLogger,
): Promise<ImportedRows> {
  const { rows, found } = streamRows(path, options, logger);
  const records: InstructionRecord[] = [];
  let checked = 0;
  for await (const record of rows) {
    records.push(record);
    if (found.bytes + 64 * found.read < checked + FULL.bytes) continue;
    checked = found.bytes + 64 * found.read;
    if (heapShare() > FULL.share) throw outOfMemory(path, found.read);
  }
  return { records, format: found.format!, skipped: found.problems, renamed: found.renamed, equal: found.equal };
}

const outOfMemory = (path: string, rows: number) =>
  dataError(`${path}: its first ${rows} rows fill the memory that Node.js may use`, {
    file: path,
    rows,
    remedies: [
      { advice: 'split the file' },
      { advice: 'allow more with the environment variable NODE_OPTIONS=--max-old-space-size=16000 (MiB)' },
    ],
  });

/**
 * Reads a file for {@link importFile}, or a staged folder, whose stage-1.jsonl, stage-2.jsonl, ...
 * are read in this order (held-out rows are not among them).
 */
export async function readRecords(
  path: string,
  options: ImportOptions,
  logger: Logger = silentLogger,
): Promise<InstructionRecord[]> {
  const { kind } = await statPath(path);
  if (kind !== 'folder') return [...(await importFile(path, options, logger)).records];
  const stages = (await listFolder(path)).flatMap((name) => {
    const match = /^stage-(\d+)\.jsonl$/.exec(name);
    return match ? [{ name, index: Number(match[1]) }] : [];
  });
  if (stages.length === 0)
    throw dataError(`${path}: expected a file of rows or a staged folder with stage-1.jsonl`, {
      file: path,
      remedies: [{ task: 'stage', note: 'to make one' }],
    });
  const files = stages.sort((x, y) => x.index - y.index).map((s) => join(path, s.name));
  const parts = [];
  for (const file of files) parts.push((await importFile(file, { ...options, format: 'records' }, logger)).records);
  return parts.flat();
}
