import * as z from 'zod';
import { setUpOptionsSchema } from '../../../workflow/machine.js';
import { defineCommand } from '../../command.js';

/** `phasetune setup`: puts the native runtime into the cache folder. */
export const command = defineCommand({
  command: 'setup',
  describe: 'download and build the native TensorFlow library; skips what is already there',
  schema: z.strictObject({
    cpu: z.boolean().default(false).describe('for the CPU, even if there is a card'),
    cuda: z.boolean().default(false).describe('for NVIDIA cards, even if none is found'),
    pack: setUpOptionsSchema.shape.pack,
    from: setUpOptionsSchema.shape.from,
  }),
  examples: [
    ['phasetune setup', 'for the NVIDIA card if there is one, otherwise for the CPU, otherwise with WASM'],
    ['PHASETUNE_HOME=/data/cache phasetune setup --cuda', 'for NVIDIA cards, about 5 GB, into another cache folder'],
    ['phasetune setup --cuda --pack set-up.tar.gz', 'where there is a network: the set-up as one file'],
    ['phasetune setup --from set-up.tar.gz', 'where there is none, such as a compute node'],
  ],
});
