import * as z from 'zod';
import { importOptionsSchema } from '../../data/options.js';
import { defineCommand } from '../command.js';

/** `phasetune data import SRC --out FILE`: rows of any known format to a file of records. */
export const dataImport = defineCommand({
  command: 'data import <src>',
  describe: 'read rows of any known format and write them as records',
  schema: z.strictObject({
    src: z
      .string()
      .min(1)
      .describe('rows as JSON Lines, a JSON array, a table (CSV) or Parquet; text may be packed with gzip or zstd'),
    out: z.string().min(1).describe('JSON Lines file of records to write'),
    ...importOptionsSchema.shape,
  }),
  examples: [
    ['phasetune data import alpaca.json --out datasets/raw/alpaca.jsonl', 'Alpaca rows, recognised by their fields'],
    ['phasetune data import rows.jsonl.gz --out rows.jsonl --score-field meta.level', 'difficulty from another field'],
    ['phasetune data import alpaca.json --out alpaca.jsonl --bad-rows skip', 'leave out rows without an answer'],
  ],
  async run({ src, out, ...options }, { logger, print }) {
    const { importFile } = await import('../../data/import.js');
    const { writeJsonLines } = await import('../../io/jsonl.js');
    const { hashFile } = await import('../../io/files.js');
    const { refuseInputs } = await import('../../io/same-file.js');
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
  },
});
