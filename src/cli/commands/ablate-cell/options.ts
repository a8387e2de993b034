import * as z from 'zod';
import { defineCommand } from '../../command.js';

/** `phasetune ablate cell DIR INDEX`: what an executor runs. */
export const command = defineCommand({
  command: 'ablate cell <folder> <index>',
  describe: 'train one cell of a study, or continue it: what `ablate` starts for each',
  schema: z.strictObject({
    folder: z.string().min(1).describe('folder of the study'),
    index: z.number().int().min(1).describe('number of the cell in cells.jsonl, from 1'),
  }),
  groups: { Cell: ['folder', 'index'] },
  examples: [['phasetune ablate cell studies/first 3', 'on any machine that sees the folder']],
});
