import * as z from 'zod';
import { defineCommand } from '../../command.js';

/** `phasetune ablate stop DIR`: end a study for now. */
export const command = defineCommand({
  command: 'ablate stop <folder>',
  describe: 'ask the process that runs a study to stop: its cells save first, and the same study continues later',
  schema: z.strictObject({
    folder: z.string().min(1).describe('folder of the study'),
    now: z
      .boolean()
      .default(false)
      .describe('end the cells at once; what they did since their last checkpoint is done again'),
  }),
  groups: { Study: ['folder', 'now'] },
  examples: [['phasetune ablate stop studies/first', 'from anywhere that sees the folder']],
});
