import { samplePairsOptionsSchema } from '../../../workflow/eval-sample-options.js';
import { defineCommand } from '../../command.js';

/** `phasetune eval sample`: a sheet of pairs of answers for people. */
export const command = defineCommand({
  command: 'eval sample <folder>',
  describe: 'draw pairs of answers into a sheet for people to rate, without showing them arms or verdicts',
  schema: samplePairsOptionsSchema,
  groups: { 'What is drawn': ['folder', 'rows', 'arm', 'seed'], Files: ['out', 'force'] },
  examples: [
    ['phasetune eval sample evals/mine --out sheet.csv', '72 pairs to rate'],
    ['phasetune eval sample evals/mine --out sheet.csv --rows 288 --arm phased', 'more pairs of one arm'],
  ],
});
