import * as z from 'zod';
import { trainingOptionsSchema } from '../../workflow/train-options.js';
import { defineCommand } from '../command.js';

const schema = trainingOptionsSchema.extend({
  dryRun: z
    .boolean()
    .default(false)
    .describe('Show stages, steps, tokens, padding, shapes of batches and peak memory, then stop'),
});

/** `phasetune train`: LoRA on a staged set, stage after stage. */
export const train = defineCommand({
  command: 'train',
  describe: 'train an adapter on a staged set, stage after stage, and measure the held-out loss after each',
  schema,
  recipe: true,
  inherits: async (given) => (await import('../../workflow/resolve-training.js')).inheritedOptions(given),
  examples: [
    ['phasetune train --model DIR --data STAGED --out checkpoints/first', 'three epochs a stage, as in the paper'],
    ['phasetune train --config recipe.yaml --set lora.rank=16 --order one-off --out checkpoints/control', 'a control'],
    ['phasetune train --out checkpoints/first --resume', 'go on where it stopped'],
    ['phasetune train --model DIR --data STAGED --out checkpoints/first --dry-run', 'what would be done'],
    ['phasetune train --config recipe.yaml --memory-limit 8GiB --out checkpoints/small', 'as fast as fits into 8 GiB'],
  ],
  async run({ dryRun, ...options }, context) {
    const { planRun, trainRun } = await import('../train-run.js');
    return dryRun ? planRun(options, context) : trainRun(options, context);
  },
});
