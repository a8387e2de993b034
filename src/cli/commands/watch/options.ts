import * as z from 'zod';
import { liveOptionsSchema } from '../../../live/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune watch DIR`: a run or a study as it grows, in the browser. */
export const command = defineCommand({
  command: 'watch <folder>',
  describe: 'show a run or a study in the browser as it grows; it only reads files, and serves until it is interrupted',
  schema: liveOptionsSchema.extend({
    open: z.boolean().default(false).describe('show the page in the browser of this machine'),
  }),
  groups: {
    Watch: ['folder', 'open', 'wait'],
    'Where it listens': ['port', 'host', 'allowRemote'],
  },
  examples: [
    ['phasetune watch checkpoints/first', 'prints the address, and the ssh command that leads to it from elsewhere'],
    ['phasetune watch studies/first --port 8000', 'while the study runs, or afterwards; ending it ends nothing else'],
  ],
  serves: true,
});
