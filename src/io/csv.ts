import { stringify } from 'csv-stringify/sync';
import { writeFileAtomic } from './atomic.js';

/** Takes away the mark that {@link writeCsv} puts before what a spreadsheet would take for a formula. */
export const undefuse = (cell: string): string => (/^'[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell);

/**
 * Writes a table with a line of names, atomically; cells that a spreadsheet would take for a
 * formula get a `'` before them.
 */
export function writeCsv(
  path: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): Promise<void> {
  return writeFileAtomic(
    path,
    stringify([[...columns], ...rows.map((row) => [...row])], { bom: true, escape_formulas: true }),
  );
}
