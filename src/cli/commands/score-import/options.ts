import { importScoresOptionsSchema } from '../../../workflow/import-scores-options.js';
import { defineCommand } from '../../command.js';

/** `phasetune score import`: scores that someone else made, for rows. */
export const command = defineCommand({
  command: 'score import <file>',
  describe: 'give rows the scores of another file, or scores from their own fields, and report what was cleaned',
  schema: importScoresOptionsSchema,
  examples: [
    ['phasetune score import rows.jsonl --from ratings.csv --out scored.jsonl', 'columns id and score (or rating)'],
    [
      'phasetune score import rows.jsonl --from r.csv --id-column key --score-column level --out s.jsonl',
      'other columns',
    ],
    [
      'phasetune score import phasedsft.jsonl --out scored.jsonl --range 1,5',
      'scores of PhasedSFT, as texts in the rows',
    ],
  ],
});
