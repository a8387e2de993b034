import * as z from 'zod';
import { defineCommand } from '../../command.js';

/** `phasetune ablate retry DIR [CELL…]`: let failed cells be tried again. */
export const command = defineCommand({
  command: 'ablate retry <folder> [cells..]',
  describe: 'let cells that failed be tried again when the study continues',
  schema: z.strictObject({
    folder: z.string().min(1).describe('folder of the study'),
    cells: z.array(z.string().min(1)).optional().describe('names of cells [all that failed]'),
  }),
  groups: { Study: ['folder', 'cells'] },
  examples: [
    ['phasetune ablate retry studies/first', 'all that failed; then run the study again'],
    ['phasetune ablate retry studies/first phased-seed-2', 'one of them'],
  ],
});
