import * as z from 'zod';
import { defineCommand } from '../../command.js';

/** `phasetune doctor`: what computes here, how fast, and how to get something better. */
export const command = defineCommand({
  command: 'doctor',
  describe: 'report what computes on this machine, how fast, and the fix for every problem',
  schema: z.strictObject({}),
  examples: [['phasetune doctor --json', 'the same for a program']],
  onlyPrints: () => true,
});
