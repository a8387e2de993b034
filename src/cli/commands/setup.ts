import * as z from 'zod';
import { PhasetuneError, usageError } from '../../core/errors.js';
import { defineCommand } from '../command.js';

/** `phasetune setup`: puts the native runtime into the cache folder. */
export const setup = defineCommand({
  command: 'setup',
  describe: 'fetch and build the native TensorFlow library; skips what is there',
  schema: z.strictObject({
    cpu: z.boolean().default(false).describe('for the processor, whatever card there is'),
    cuda: z.boolean().default(false).describe('for NVIDIA cards, even where none is seen'),
  }),
  examples: [
    ['phasetune setup', 'for the NVIDIA card if there is one, else for the processor, else go on with WASM'],
    ['PHASETUNE_HOME=/data/cache phasetune setup --cuda', 'for NVIDIA cards, about 9 GB, into another cache folder'],
  ],
  async run({ cpu, cuda }, context) {
    if (cpu && cuda) throw usageError('expected --cpu or --cuda, got both: run setup twice to have both');
    const { setUp } = await import('../../backend/setup.js');
    const { logger, progress, signal } = context;
    const wanted = cpu ? 'cpu' : cuda ? 'cuda' : 'auto';
    try {
      const result = await setUp({ wanted, logger, progress, signal });
      context.print(`${result.made ? 'set up' : 'already set up'}: TensorFlow for ${result.device} in ${result.home}`);
      return { backend: 'tensorflow', ...result };
    } catch (error) {
      if (wanted !== 'auto' || !(error instanceof PhasetuneError) || error.code !== 'backend') throw error;
      logger.warn(error.message);
      context.print(
        'going on with WASM, which computes many times slower: fix the above and run `phasetune setup` again',
      );
      return { backend: 'wasm', device: 'wasm', made: false, problem: error.message };
    }
  },
});
