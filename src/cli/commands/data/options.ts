import * as z from 'zod';
import { importRowsOptionsSchema } from '../../../workflow/import.js';
import { defineCommand } from '../../command.js';

/** `phasetune data import SRC --out FILE`: rows of any known format to a file of records. */
export const command = defineCommand({
  command: 'data import <src>',
  describe: 'read rows of any known format and write them as records',
  schema: z.strictObject({
    src: z
      .string()
      .min(1)
      .describe('rows as JSON Lines, a JSON array, a table (CSV) or Parquet; text may be compressed with gzip or zstd'),
    ...importRowsOptionsSchema.shape,
  }),
  examples: [
    ['phasetune data import alpaca.json --out datasets/raw/alpaca.jsonl', 'Alpaca rows, recognised by their fields'],
    ['phasetune data import rows.jsonl.gz --out rows.jsonl --score-field meta.level', 'difficulty from another field'],
    ['phasetune data import alpaca.json --out alpaca.jsonl --bad-rows skip', 'leave out rows without an answer'],
  ],
});
