import { join } from 'node:path';
import { dataError } from '../core/errors.js';
import { listFolder, readText, statPath } from '../io/files.js';
import { type JsonRow, MAX_ROW_BYTES, readJsonRows } from '../io/json-rows.js';
import { type Logger, silentLogger } from '../telemetry/logger.js';
import { heapShare } from '../telemetry/memory.js';
import { IMPORTERS, namesOf, type RowFormat, RowProblem, show } from './importers.js';
import type { ImportOptions } from './options.js';
import type { InstructionRecord } from './record.js';
import { isRow, readRow } from './row.js';

/** Rows of a file as records, and what had to be done to get there. */
export interface ImportedRows {
  readonly records: readonly InstructionRecord[];
  readonly format: RowFormat;
  /** Rows left out under `badRows: 'skip'`, each as "place: what was expected and what came". */
  readonly skipped: readonly string[];
  /** Rows whose id was taken and got a number behind it. */
  readonly renamed: number;
}

/** Rows by which `auto` tells the format. */
const LOOKED_AT = 5;

/** Share of the memory that Node.js may use at which reading stops, and how many bytes of rows lie between two looks. */
const FULL = { share: 0.9, bytes: 16 << 20 };

/** Bad rows told one by one before the rest is only counted. */
const TOLD_ROWS = 20;

/**
 * Reads a JSON array or JSON Lines file, plain or gzip, in any format of {@link IMPORTERS}. A bad row (no answer, a score
 * that is no number, a field of the wrong type) refuses the file with a data error that names it, or is skipped and told.
 * Rows without an id get one made of their content. Ids that occur twice are an error in a file of records, since other
 * files refer to them; elsewhere the later row becomes `id-2`, and that is told.
 */
export async function importFile(
  path: string,
  options: ImportOptions,
  logger: Logger = silentLogger,
): Promise<ImportedRows> {
  const found: Found = { rows: 0, records: [], places: [], problems: [], bad: 0 };
  const first: JsonRow[] = [];
  let format = options.format === 'auto' ? undefined : options.format;
  const take = (row: JsonRow) => {
    if (format) addRow(found, row, format, options);
    else if (first.push(row) === LOOKED_AT) settle();
  };
  const settle = () => {
    format ??= detectFormat(first, path);
    for (const row of first.splice(0)) addRow(found, row, format, options);
  };
  let unchecked = 0;
  for await (const row of rowsOf(path)) {
    take(row);
    unchecked += row.bytes + 64;
    if (unchecked < FULL.bytes) continue;
    unchecked = 0;
    if (heapShare() > FULL.share) throw outOfMemory(path, found.rows);
  }
  if (found.rows + first.length === 0) throw dataError(`${path}: no rows; expected at least one`, { file: path });
  settle();
  const { records, problems } = found;
  reportProblems(found, options.badRows, path, logger);
  if (records.length === 0)
    throw dataError(`${path}: all ${found.rows} rows were skipped; nothing is left`, { file: path });
  const { unique, renamed } = uniqueIds(records, found.places, format!);
  if (renamed > 0)
    logger.warn(`${path}: ${renamed} rows had an id that was taken; they got a number behind it (-2, -3, ...)`);
  return { records: unique, format: format!, skipped: problems, renamed };
}

/** What has been read of a file. */
interface Found {
  rows: number;
  readonly records: InstructionRecord[];
  readonly places: string[];
  /** Under `refuse` only as many as are told. */
  readonly problems: string[];
  bad: number;
}

function addRow(found: Found, { place, value }: JsonRow, format: RowFormat, options: ImportOptions): void {
  found.rows++;
  try {
    found.records.push(readRow(value, format, options.scoreField));
    found.places.push(place);
  } catch (error) {
    if (!(error instanceof RowProblem)) throw error;
    found.bad++;
    if (options.badRows === 'skip' || found.bad <= TOLD_ROWS + 1) found.problems.push(`${place}: ${error.message}`);
    // The file will be refused: what is read on is only counted.
    if (options.badRows === 'refuse') found.records.length = found.places.length = 0;
  }
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

/** The rows of a file; one JSON object over many lines is told what it is. */
async function* rowsOf(path: string): AsyncGenerator<JsonRow> {
  let rows = 0;
  try {
    for await (const row of readJsonRows(path)) {
      rows++;
      yield row;
    }
  } catch (error) {
    if (rows === 0 && (await isOneObject(path)))
      throw dataError(
        `${path}: expected a JSON array of rows, or one JSON object a line; found a single JSON object over many lines: save the list inside it`,
        { file: path },
      );
    throw error;
  }
}

async function isOneObject(path: string): Promise<boolean> {
  const text = await readText(path, { maxBytes: MAX_ROW_BYTES }).catch(() => '');
  return text.trimStart().startsWith('{') && isWhole(text);
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function detectFormat(rows: readonly JsonRow[], path: string): RowFormat {
  for (const { value } of rows) {
    if (!isRow(value)) continue;
    const found = (Object.keys(IMPORTERS) as RowFormat[]).find((format) => IMPORTERS[format].matches(value));
    if (found) return found;
  }
  const first = rows[0]!;
  const came = isRow(first.value) ? `the fields ${namesOf(first.value) || '(none)'}` : show(first.value);
  const known = Object.entries(IMPORTERS).map(([format, { looksLike }]) => `${format} ${looksLike}`);
  throw dataError(
    `${first.place}: no known row format; found ${came}; expected one of ${known.join(', ')}; or name it with --format`,
    {
      file: path,
    },
  );
}

function reportProblems(
  { problems, bad, rows }: Found,
  policy: ImportOptions['badRows'],
  path: string,
  logger: Logger,
) {
  if (bad === 0) return;
  // Under `refuse` the first one is in the error.
  const told = policy === 'skip' ? problems : problems.slice(1);
  for (const problem of told.slice(0, TOLD_ROWS)) logger.warn(problem);
  const untold = bad - TOLD_ROWS - (policy === 'skip' ? 0 : 1);
  if (untold > 0) logger.warn(`... and ${untold} more`);
  if (policy === 'skip') {
    logger.warn(`${path}: skipped ${bad} of ${rows} rows`);
    return;
  }
  const more = bad > 1 ? ` (the first of ${bad} bad rows of ${rows})` : '';
  throw dataError(`${problems[0]}${more}; mend it, or leave such rows out with --bad-rows skip`, {
    file: path,
    badRows: bad,
  });
}

function uniqueIds(records: readonly InstructionRecord[], places: readonly string[], format: RowFormat) {
  const taken = new Map<string, string>();
  const later: number[] = [];
  for (const [i, { id }] of records.entries()) {
    const place = places[i]!;
    const first = taken.get(id);
    if (first === undefined) taken.set(id, place);
    else if (format === 'records')
      throw dataError(`${place}: id ${show(id)} is taken already by ${first}; expected every id once`, { id });
    else later.push(i);
  }
  const unique = [...records];
  for (const i of later) {
    const { id } = records[i]!;
    let n = 2;
    while (taken.has(`${id}-${n}`)) n++;
    taken.set(`${id}-${n}`, places[i]!);
    unique[i] = { ...records[i]!, id: `${id}-${n}` };
  }
  return { unique, renamed: later.length };
}
