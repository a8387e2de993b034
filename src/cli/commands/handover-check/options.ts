import * as z from 'zod';
import { defineCommand } from '../../command.js';

/** `phasetune handover check DIR`: whether another engine really trained what it was handed. */
export const command = defineCommand({
  command: 'handover check <folder>',
  describe: 'prove from the files that each stage of a handover really trained, and say what is wrong; needs no Python',
  schema: z.strictObject({ folder: z.string().min(1).describe('folder of the handover, after any of its stages') }),
  groups: { Check: ['folder'] },
  examples: [
    ['phasetune handover check handover', 'a line for each stage; exit code 1 where anything is wrong'],
    ['phasetune handover check handover --json', 'steps, losses and hashes of each stage'],
  ],
});
