import type { FileRow } from '../../src/io/file-row.js';
import { readRows } from '../../src/io/rows.js';

/** All rows of a file; throws the error of the first one that has one. */
export async function rowsOf(path: string, options?: { maxRowBytes?: number }): Promise<FileRow[]> {
  const rows: FileRow[] = [];
  for await (const row of readRows(path, options)) {
    if (row.error) throw row.error;
    rows.push(row);
  }
  return rows;
}
