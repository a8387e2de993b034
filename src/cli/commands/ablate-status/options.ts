import * as z from 'zod';
import { defineCommand } from '../../command.js';

/** `phasetune ablate status DIR`: how far a study is. */
export const command = defineCommand({
  command: 'ablate status <folder>',
  describe: 'report how far a study is: the state of every cell, why some failed, and the time left; only reads',
  schema: z.strictObject({ folder: z.string().min(1).describe('folder of the study') }),
  groups: { Study: ['folder'] },
  examples: [
    ['phasetune ablate status studies/first', 'also while it runs, and from another machine that sees the folder'],
  ],
  onlyPrints: () => true,
});
