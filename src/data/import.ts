import { join } from 'node:path';
import { dataError } from '../core/errors.js';
import { andMore, show, shownName, showSome } from '../core/shown.js';
import type { FileRow } from '../io/file-row.js';
import { listFolder, statPath } from '../io/files.js';
import { readRows } from '../io/rows.js';
import { type Logger, silentLogger } from '../telemetry/logger.js';
import { heapShare } from '../telemetry/memory.js';
import { checkNoListInside, detectFormat, saidBy } from './detect.js';
import { isRow, RowProblem } from './fields.js';
import type { RowFormat } from './importers.js';
import type { ImportOptions } from './options.js';
import type { InstructionRecord } from './record.js';
import { type ReadRow, readRow } from './row.js';

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

/** Rows by which `auto` tells the format. */
const LOOKED_AT = 5;

/** Share of the memory that Node.js may use at which reading stops, and how many bytes of rows lie between two looks. */
const FULL = { share: 0.9, bytes: 16 << 20 };

/** Bad rows reported one by one before the rest is only counted. */
const SHOWN_ROWS = 20;

/**
 * Reads a file of rows of any kind that {@link readRows} reads, in any {@link RowFormat}, as a stream: a row is forgotten once
 * it was taken, except for its id. A bad row (broken, no answer, a score that is no number, a field of the wrong type) refuses the file with
 * a data error that names it, reported when all rows were read, or is skipped and reported. Rows without an id get one made of their
 * content. A later row of the same id becomes `id-2`, and that is reported; it is an error where the rows are said to be records, since other files refer to
 * them. `found` says, at any time, what has been read.
 */
export function importRows(
  path: string,
  options: ImportOptions,
  logger: Logger = silentLogger,
): { rows: AsyncGenerator<InstructionRecord>; found: RowsFound } {
  const found: Finding = {
    read: 0,
    bytes: 0,
    kept: 0,
    renamed: 0,
    equal: 0,
    bad: 0,
    problems: [],
    taken: new Map(),
    turnFields: new Map(),
    unusedFields: new Map(),
  };
  return { rows: recordsOf(path, options, found, logger), found };
}

/** What has been read of a file. */
export interface RowsFound {
  /** Undefined until it was told by the first rows. */
  readonly format?: RowFormat;
  /** Rows, and their bytes unpacked. */
  readonly read: number;
  readonly bytes: number;
  /** Rows whose own id an earlier row has; theirs got a number at its end. */
  readonly renamed: number;
  /** Rows without an id that are equal to an earlier row; their ids, too, got a number at their end. */
  readonly equal: number;
  /** Bad rows, each as "place: what was expected and what came"; under `refuse` only as many as are told. */
  readonly problems: readonly string[];
}

interface Finding extends RowsFound {
  format?: RowFormat;
  read: number;
  bytes: number;
  renamed: number;
  equal: number;
  kept: number;
  bad: number;
  readonly problems: string[];
  /** Ids, and the number of the line or row that has each. */
  readonly taken: Map<string, number>;
  /** Rows that have each field of turns of which nothing is trained. */
  readonly turnFields: Map<string, number>;
  /** The same of fields of rows that look as if they belonged to the answer. */
  readonly unusedFields: Map<string, number>;
}

async function* recordsOf(
  path: string,
  options: ImportOptions,
  found: Finding,
  logger: Logger,
): AsyncGenerator<InstructionRecord> {
  if (options.format !== 'auto') found.format = options.format;
  let first: FileRow[] = [];
  let only: FileRow | undefined;
  for await (const row of readRows(path)) {
    found.read++;
    found.bytes += row.bytes;
    only = found.read === 1 ? row : undefined;
    if (found.format === undefined && first.push(row) < LOOKED_AT) continue;
    found.format ??= detectFormat(first, path);
    const ready = first.length > 0 ? first : [row];
    first = [];
    for (const each of ready) {
      const record = recordOf(each, found, options);
      if (record) yield record;
    }
  }
  if (found.read === 0) throw dataError(`${path}: no rows; expected at least one`, { file: path });
  if (only && options.format === 'auto') checkNoListInside(only, path);
  found.format ??= detectFormat(first, path);
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

/** The record of a row; undefined for a bad one, and for all after it where the file will be refused: they are only counted. */
function recordOf(row: FileRow, found: Finding, options: ImportOptions): InstructionRecord | undefined {
  try {
    if (row.error) throw row.error;
    const read = readAs(row, found, options);
    if (found.bad > 0 && options.badRows === 'refuse') return undefined;
    found.kept++;
    count(found.turnFields, read.turnFields);
    count(found.unusedFields, read.unusedFields);
    return withOwnId(read, row.place, found, options);
  } catch (error) {
    if (!(error instanceof RowProblem) && error !== row.error) throw error;
    found.bad++;
    const problem = error === row.error ? (error as Error).message : `${row.place}: ${(error as Error).message}`;
    if (options.badRows === 'skip' || found.bad <= SHOWN_ROWS + 1) found.problems.push(problem);
    return undefined;
  }
}

/** Where the format was not named, rows with `messages` may be our records or anybody's: each is read as what it is. */
function readAs(row: FileRow, found: Finding, { format, scoreField }: ImportOptions): ReadRow {
  const value = saidBy(row);
  const mayBeOurs = found.format === 'records' || (isRow(value) && ('stage' in value || 'meta' in value));
  if (format === 'auto' && mayBeOurs && (found.format === 'records' || found.format === 'messages'))
    try {
      return readRow(value, 'records', scoreField);
    } catch (error) {
      if (!(error instanceof RowProblem)) throw error;
      const read = readRow(value, 'messages', scoreField);
      found.format = 'messages';
      return read;
    }
  return readRow(value, found.format!, scoreField);
}

function count(counts: Map<string, number>, names: readonly string[]): void {
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** The number that ends a place. */
const NUMBER = /\d+$/;

function withOwnId(
  { record, ownId }: ReadRow,
  place: string,
  found: Finding,
  options: ImportOptions,
): InstructionRecord {
  const { taken } = found;
  const { id } = record;
  const number = Number(NUMBER.exec(place)![0]);
  const first = taken.get(id);
  if (first === undefined) {
    taken.set(id, number);
    return record;
  }
  if (options.format === 'records')
    throw dataError(
      `${place}: id ${show(id)} is taken already by ${place.replace(NUMBER, String(first))}; expected every id once`,
      { id },
    );
  let n = 2;
  while (taken.has(`${id}-${n}`)) n++;
  taken.set(`${id}-${n}`, number);
  if (ownId) found.renamed++;
  else found.equal++;
  return { ...record, id: `${id}-${n}` };
}

/** All rows of a file at once; see {@link importRows}. More rows than memory holds are a data error that tells what to do. */
export async function importFile(
  path: string,
  options: ImportOptions,
  logger: Logger = silentLogger,
): Promise<ImportedRows> {
  const { rows, found } = importRows(path, options, logger);
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
  dataError(
    `${path}: its first ${rows} rows fill the memory that Node.js may use; split the file, or allow more with NODE_OPTIONS=--max-old-space-size=16000 (MiB)`,
    { file: path, rows },
  );

/**
 * Reads what `--data` may name: a file for {@link importFile}, or a staged folder, whose stage-1.jsonl, stage-2.jsonl, ...
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
    throw dataError(
      `${path}: expected a file of rows or a staged folder with stage-1.jsonl; make one with \`phasetune stage\``,
      { file: path },
    );
  const files = stages.sort((x, y) => x.index - y.index).map((s) => join(path, s.name));
  const parts = [];
  for (const file of files) parts.push((await importFile(file, { ...options, format: 'records' }, logger)).records);
  return parts.flat();
}

/** What a reader of rows should know, as sentences. */
function noteLines({ renamed, equal, turnFields, unusedFields }: Finding): string[] {
  const lines: string[] = [];
  const rows = (count: number) => (count === 1 ? '1 row' : `${count} rows`);
  if (equal > 0)
    lines.push(
      equal === 1
        ? '1 row equals an earlier row and has no id; its id got a number at its end (-2)'
        : `${equal} rows equal earlier rows and have no id; their ids got a number at their end (-2, -3, ...)`,
    );
  if (renamed > 0)
    lines.push(
      renamed === 1
        ? '1 row has the id of an earlier row; its id got a number at its end (-2)'
        : `${renamed} rows have the id of an earlier row; their ids got a number at their end (-2, -3, ...)`,
    );
  const most = (counts: ReadonlyMap<string, number>) => {
    const names = [...counts].sort((x, y) => y[1] - x[1]).map(([name, n]) => `${shownName(name, 40)} in ${rows(n)}`);
    return showSome(names, 8);
  };
  if (turnFields.size > 0)
    lines.push(`turns have fields that are not trained on (${most(turnFields)}); they are kept in meta.turnFields`);
  if (unusedFields.size > 0)
    lines.push(
      `rows have fields that may belong to the answer and are not trained on (${most(unusedFields)}); they are kept in meta`,
    );
  return lines;
}

function reportProblems(
  { problems, bad, read }: Finding,
  policy: ImportOptions['badRows'],
  path: string,
  logger: Logger,
) {
  if (bad === 0) return;
  // Under `refuse` the first one is in the error.
  const shown = policy === 'skip' ? problems : problems.slice(1);
  for (const problem of shown.slice(0, SHOWN_ROWS)) logger.warn(problem);
  const left = bad - SHOWN_ROWS - (policy === 'skip' ? 0 : 1);
  if (left > 0) logger.warn(`...${andMore(left)}`);
  if (policy === 'skip') {
    logger.warn(`${path}: skipped ${bad} of ${read} rows`);
    return;
  }
  const more = bad > 1 ? ` (the first of ${bad} bad rows of ${read})` : '';
  throw dataError(`${problems[0]}${more}; fix it, or leave such rows out with --bad-rows skip`, {
    file: path,
    badRows: bad,
  });
}
