import * as z from 'zod';
import { deviceOption } from '../../../backend/options.js';
import { recipeSchema } from '../../../config/recipe.js';
import { defineCommand } from '../../command.js';
import { RECIPE_GROUPS } from '../../recipe-help.js';

const schema = recipeSchema.extend({
  out: z
    .string()
    .min(1)
    .default('run')
    .describe(
      'folder of the run, which is not changed: copies are made beside it, in OUT-verify-resume, and removed if all match',
    ),
  device: deviceOption,
  kills: z.number().int().positive().default(5).describe('how often a run is killed'),
});

/** `phasetune verify resume`: shows on the user's own recipe that a run which is killed comes to the same end. */
export const command = defineCommand({
  command: 'verify resume',
  describe: 'kill a run of your recipe at random moments, resume it, and compare every byte with an uninterrupted run',
  schema,
  recipe: true,
  first: ['model', 'data', 'out', 'kills', 'steps', 'saveEvery', 'device'],
  groups: {
    Kills: ['kills'],
    ...RECIPE_GROUPS,
    'Memory and speed': ['device', ...RECIPE_GROUPS['Memory and speed']],
  },
  examples: [
    ['phasetune verify resume --config recipe.yaml --steps 20', 'five kills of a run of 20 steps per stage'],
    ['phasetune verify resume --config recipe.yaml --kills 50 --set saveEvery=5', 'more kills, more checkpoints'],
  ],
});
