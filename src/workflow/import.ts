import * as z from 'zod';
import { importFile } from '../data/import.js';
import { importOptionsSchema } from '../data/options.js';
import { hashFile } from '../io/files.js';
import { writeJsonLines } from '../io/jsonl.js';
import { refuseInputs } from '../io/same-file.js';
import type { Hooks } from './hooks.js';
import { parseOptions } from './options.js';

/** How rows of other formats become a file of records. */
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
 * Reads rows of any known format (JSON Lines, JSON, CSV, Parquet, packed or not) and writes them as records, which `score`, `stage` and
 * `train` read. Throws a data error that names a bad row, unless `badRows` is `skip`.
 */
export async function importRows(
  file: string,
  options: ImportRowsOptions,
  { logger }: Pick<Hooks, 'logger'> = {},
): Promise<ImportedFile> {
  const { out, ...reading } = parseOptions(importRowsOptionsSchema, options);
  await refuseInputs({ out }, [file]);
  const { records, ...imported } = await importFile(file, reading, logger);
  await writeJsonLines(out, records);
  const scored = records.filter(({ score }) => score !== undefined).length;
  return { rows: records.length, scored, ...imported, out, sha256: await hashFile(out) };
}
