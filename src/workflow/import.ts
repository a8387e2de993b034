import * as z from 'zod';
import { checkText, parseOptions } from '../config/given-options.js';
import { importFile, readRecords as readAll } from '../data/import.js';
import { importOptionsSchema } from '../data/options.js';
import type { InstructionRecord } from '../data/record.js';
import { hashFile } from '../io/files.js';
import { writeJsonLines } from '../io/jsonl.js';
import { refuseInputs } from '../io/same-file.js';
import type { Hooks } from './hooks.js';

/** How rows are read; see {@link importOptionsSchema}. */
export type ImportOptions = z.input<typeof importOptionsSchema>;

/**
 * How rows of other formats become a file of records.
 *
 * @example
 * const { out, badRows } = importRowsOptionsSchema.parse({ out: 'rows.jsonl', badRows: 'skip' });
 */
export const importRowsOptionsSchema = z.strictObject({
  out: z.string().min(1).describe('JSON Lines file of records to write'),
  ...importOptionsSchema.shape,
});

/** See {@link importRowsOptionsSchema}. */
export type ImportRowsOptions = z.input<typeof importRowsOptionsSchema>;

/** What {@link importRows} wrote. */
export interface ImportedFile {
  /** Rows written. */
  readonly rows: number;
  /** How the rows were written. */
  readonly format: string;
  /** Rows with a score. */
  readonly scored: number;
  /** Rows left out with `badRows: skip`, each as "place: what was expected and what came". */
  readonly skipped: readonly string[];
  /** Rows whose own id an earlier row has; theirs got a number at its end. */
  readonly renamed: number;
  /** Rows without an id that are equal to an earlier row; their ids, too, got a number at their end. */
  readonly equal: number;
  readonly out: string;
  /** Hash of the file. */
  readonly sha256: string;
}

/**
 * Reads rows of any known format (JSON Lines, JSON, CSV, Parquet, packed or not) and writes them as
 * records, which `score`, `stage` and `train` read. Throws a data error that names a bad row,
 * unless `badRows` is `skip`.
 *
 * @example
 * const { rows, format } = await importRows('datasets/demo/raw.jsonl', { out: 'imported.jsonl' });
 * console.log(`${rows} rows, written as ${format}`);
 */
export async function importRows(
  file: string,
  options: ImportRowsOptions,
  { logger }: Pick<Hooks, 'logger'> = {},
): Promise<ImportedFile> {
  checkText('file', file);
  const { out, ...reading } = parseOptions(importRowsOptionsSchema, options);
  await refuseInputs({ out }, [file]);
  const { records, ...imported } = await importFile(file, reading, logger);
  await writeJsonLines(out, records);
  const scored = records.filter(({ score }) => score !== undefined).length;
  return { rows: records.length, scored, ...imported, out, sha256: await hashFile(out) };
}

/**
 * Reads all rows of a file of any known format, or of the stages of a staged folder, as records.
 * Throws a data error that names a bad row, unless `badRows` is `skip`.
 *
 * @example
 * const records = await readRecords('rows.jsonl');
 * const scores = records.map(({ score }) => score);
 */
export async function readRecords(
  path: string,
  options: ImportOptions = {},
  { logger }: Pick<Hooks, 'logger'> = {},
): Promise<InstructionRecord[]> {
  checkText('path', path);
  return readAll(path, parseOptions(importOptionsSchema, options), logger);
}
