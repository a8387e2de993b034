import { importRows } from '../../../workflow/import.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ src, ...options }, { logger, print }) => {
  const imported = await importRows(src, options, { logger });
  const { rows, format, scored, out } = imported;
  const skipped = imported.skipped.length;
  print(
    `${rows === 1 ? '1 row' : `${rows} rows`} (${format}) in ${out}, ${scored} of them with a score${skipped > 0 ? `; ${skipped} skipped` : ''}`,
  );
  return { ...imported, skipped };
};
