import { sampleOptionsSchema } from '../../../workflow/sample-options.js';
import { defineCommand } from '../../command.js';

/** `phasetune score sample`: a sheet of rows to rate by hand. */
export const command = defineCommand({
  command: 'score sample <file>',
  describe: 'draw rows from easy to hard into a sheet for people to rate, without showing them the scores',
  schema: sampleOptionsSchema,
  examples: [
    ['phasetune score sample scored.jsonl --out sheet.csv', '100 rows to rate'],
    ['phasetune score sample scored.jsonl --out sheet.csv --rows 200 --answers', 'with the answers'],
  ],
});
