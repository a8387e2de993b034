import * as z from 'zod';
import { defineCommand } from '../../command.js';

/** `phasetune setup`: puts the native runtime into the cache folder. */
export const command = defineCommand({
  command: 'setup',
  describe: 'download and build the native TensorFlow library; skips what is already there',
  schema: z.strictObject({
    cpu: z.boolean().default(false).describe('for the CPU, even if there is a card'),
    cuda: z.boolean().default(false).describe('for NVIDIA cards, even if none is found'),
  }),
  examples: [
    ['phasetune setup', 'for the NVIDIA card if there is one, otherwise for the CPU, otherwise with WASM'],
    ['PHASETUNE_HOME=/data/cache phasetune setup --cuda', 'for NVIDIA cards, about 9 GB, into another cache folder'],
  ],
});
