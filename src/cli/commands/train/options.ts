import * as z from 'zod';
import { inheritedOptions } from '../../../workflow/resolve-training.js';
import { trainingOptionsSchema } from '../../../workflow/train-options.js';
import { defineCommand } from '../../command.js';
import { RECIPE_GROUPS } from '../../recipe-help.js';

/** `phasetune train`: LoRA on a staged set, stage after stage. */
export const command = defineCommand({
  command: 'train',
  describe: 'train an adapter on a staged set, stage after stage, and measure the held-out loss after each',
  schema: trainingOptionsSchema.extend({
    dryRun: z.boolean().default(false).describe('show steps, tokens and peak memory, then stop'),
    watch: z
      .boolean()
      .default(false)
      .describe(
        'show the run in the browser while it is trained: its address is printed, and it ends with the command',
      ),
  }),
  recipe: true,
  inherits: inheritedOptions,
  first: [
    'model',
    'data',
    'out',
    'order',
    'epochs',
    'lora.rank',
    'optim.learningRate',
    'memoryLimit',
    'resume',
    'dryRun',
  ],
  groups: {
    ...RECIPE_GROUPS,
    Evaluation: [...RECIPE_GROUPS.Evaluation, 'tensorboard'],
    Checkpoints: [...RECIPE_GROUPS.Checkpoints, 'resume', 'force'],
    'Memory and speed': ['device', ...RECIPE_GROUPS['Memory and speed']],
    'While it runs': ['watch'],
    'Before you start': ['dryRun'],
  },
  examples: [
    ['phasetune train --model DIR --data STAGED --out checkpoints/first', 'three epochs per stage, as in the paper'],
    ['phasetune train --config recipe.yaml --set lora.rank=16 --order one-off --out checkpoints/control', 'a control'],
    ['phasetune train --out checkpoints/first --resume', 'resume it where it stopped'],
    ['phasetune train --model DIR --data STAGED --out checkpoints/first --dry-run', 'what would be done'],
    ['phasetune train --config recipe.yaml --memory-limit 8GiB --out checkpoints/small', 'as fast as fits into 8 GiB'],
  ],
});
