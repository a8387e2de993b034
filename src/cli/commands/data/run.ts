import { importFile } from '../../../data/import.js';
import { hashFile } from '../../../io/files.js';
import { writeJsonLines } from '../../../io/jsonl.js';
import { refuseInputs } from '../../../io/same-file.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ src, out, ...options }, { logger, print }) => {
  await refuseInputs({ out }, [src]);
  const { records, format, skipped, renamed, equal } = await importFile(src, options, logger);
  await writeJsonLines(out, records);
  const scored = records.filter((record) => record.score !== undefined).length;
  print(
    `${records.length === 1 ? '1 row' : `${records.length} rows`} (${format}) in ${out}, ${scored} of them with a score${skipped.length > 0 ? `; ${skipped.length} skipped` : ''}`,
  );
  return {
    rows: records.length,
    format,
    scored,
    skipped: skipped.length,
    renamed,
    equal,
    out,
    sha256: await hashFile(out),
  };
};
