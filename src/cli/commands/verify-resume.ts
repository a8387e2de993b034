import * as z from 'zod';
import { deviceOption } from '../../backend/options.js';
import { recipeSchema } from '../../config/recipe.js';
import { defineCommand } from '../command.js';
import { RECIPE_GROUPS } from '../recipe-help.js';

const schema = recipeSchema.extend({
  out: z
    .string()
    .min(1)
    .default('run')
    .describe(
      'Folder of the run, which is left alone: copies are made beside it, in OUT-verify-resume, and removed when all are the same',
    ),
  device: deviceOption,
  kills: z.number().int().positive().default(5).describe('How often a run is killed'),
});

/** `phasetune verify resume`: shows on the user's own recipe that a run which is killed comes to the same end. */
export const verifyResume = defineCommand({
  command: 'verify resume',
  describe: 'kill a run of your recipe at random moments, resume it, and compare every byte with one never interrupted',
  schema,
  recipe: true,
  first: ['model', 'data', 'out', 'kills', 'steps', 'saveEvery', 'device'],
  groups: {
    Kills: ['kills'],
    ...RECIPE_GROUPS,
    'Memory and speed': ['device', ...RECIPE_GROUPS['Memory and speed']],
  },
  examples: [
    ['phasetune verify resume --config recipe.yaml --steps 20', 'five kills of a run of 20 steps a stage'],
    ['phasetune verify resume --config recipe.yaml --kills 50 --set saveEvery=5', 'more kills, more checkpoints'],
  ],
  async run({ device, kills, out, ...recipe }, context) {
    const { verifyResume: verify } = await import('../verify/resume.js');
    const { thisProgram } = await import('../verify/this-program.js');
    const verified = await verify(
      { recipe, device, out: `${out}-verify-resume`, kills, seed: recipe.seed, ...thisProgram() },
      context,
    );
    const where = Object.entries(verified.hits).map(([hit, times]) => `${times} ${hit}`);
    context.print(
      `killed ${verified.kills} times (${where.join(', ')}) and resumed: the same bytes and the same events each time`,
    );
    return { ...verified };
  },
});
