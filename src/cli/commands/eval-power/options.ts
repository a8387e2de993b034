import { powerOptionsSchema } from '../../../workflow/eval-power-options.js';
import { defineCommand } from '../../command.js';

/** `phasetune eval power`: rows needed, before anything is paid. */
export const command = defineCommand({
  command: 'eval power',
  describe: 'report how many rows show a win rate, before anything is paid, and what a number of rows can show',
  schema: powerOptionsSchema,
  groups: {
    Difference: ['winRate', 'ties', 'arms', 'rows'],
    Certainty: ['power', 'level'],
  },
  examples: [
    ['phasetune eval power --win-rate 55 --ties 30 --arms 3', 'rows that show 55 % for three arms'],
    ['phasetune eval power --rows 200', 'what 200 rows can show'],
  ],
  onlyPrints: () => true,
});
