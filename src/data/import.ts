import { join } from 'node:path';
import { dataError } from '../core/errors.js';
import { listFolder, readText, statPath } from '../io/files.js';
import { parseJson } from '../io/json.js';
import { readJsonLines } from '../io/jsonl.js';
import { type Logger, silentLogger } from '../telemetry/logger.js';
import { IMPORTERS, type RowFormat, RowProblem, show } from './importers.js';
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

interface PlacedRow {
  /** `file:line` in JSON Lines, `file: row n` in a JSON array; both from 1. */
  readonly place: string;
  readonly value: unknown;
}

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
  const rows = await readRows(path);
  if (rows.length === 0) throw dataError(`${path}: no rows; expected at least one`, { file: path });
  const format = options.format === 'auto' ? detectFormat(rows, path) : options.format;
  const records: InstructionRecord[] = [];
  const places: string[] = [];
  const problems: string[] = [];
  for (const { place, value } of rows) {
    try {
      records.push(readRow(value, format, options.scoreField));
      places.push(place);
    } catch (error) {
      if (!(error instanceof RowProblem)) throw error;
      problems.push(`${place}: ${error.message}`);
    }
  }
  reportProblems(problems, rows.length, options.badRows, path, logger);
  if (records.length === 0)
    throw dataError(`${path}: all ${rows.length} rows were skipped; nothing is left`, { file: path });
  const { unique, renamed } = uniqueIds(records, places, format);
  if (renamed > 0)
    logger.warn(`${path}: ${renamed} rows had an id that was taken; they got a number behind it (-2, -3, ...)`);
  return { records: unique, format, skipped: problems, renamed };
}

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

async function readRows(path: string): Promise<PlacedRow[]> {
  const text = await readText(path);
  const first = /\S/.exec(text)?.[0];
  if (first === '[')
    return (parseJson(text, path) as unknown[]).map((value, i) => ({ place: `${path}: row ${i + 1}`, value }));
  if (first === '{' && isWhole(text) && !isWhole(text.trimStart().split('\n', 1)[0]!))
    throw dataError(
      `${path}: expected a JSON array of rows, or one JSON object a line; found a single JSON object over many lines: save the list inside it`,
      { file: path },
    );
  const rows: PlacedRow[] = [];
  for await (const { line, value } of readJsonLines(path)) rows.push({ place: `${path}:${line}`, value });
  return rows;
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function detectFormat(rows: readonly PlacedRow[], path: string): RowFormat {
  for (const { value } of rows.slice(0, 5)) {
    if (!isRow(value)) continue;
    const found = (Object.keys(IMPORTERS) as RowFormat[]).find((format) => IMPORTERS[format].matches(value));
    if (found) return found;
  }
  const first = rows[0]!;
  const came = isRow(first.value) ? `the fields ${Object.keys(first.value).join(', ') || '(none)'}` : show(first.value);
  const known = Object.entries(IMPORTERS).map(([format, { looksLike }]) => `${format} ${looksLike}`);
  throw dataError(
    `${first.place}: no known row format; found ${came}; expected one of ${known.join(', ')}; or name it with --format`,
    {
      file: path,
    },
  );
}

function reportProblems(
  problems: readonly string[],
  rows: number,
  policy: ImportOptions['badRows'],
  path: string,
  logger: Logger,
): void {
  if (problems.length === 0) return;
  // Under `refuse` the first one is in the error.
  const told = policy === 'skip' ? problems : problems.slice(1);
  for (const problem of told.slice(0, TOLD_ROWS)) logger.warn(problem);
  if (told.length > TOLD_ROWS) logger.warn(`... and ${told.length - TOLD_ROWS} more`);
  if (policy === 'skip') {
    logger.warn(`${path}: skipped ${problems.length} of ${rows} rows`);
    return;
  }
  const more = problems.length > 1 ? ` (the first of ${problems.length} bad rows of ${rows})` : '';
  throw dataError(`${problems[0]}${more}; mend it, or leave such rows out with --bad-rows skip`, {
    file: path,
    badRows: problems.length,
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
