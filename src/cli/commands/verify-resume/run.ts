import type { Run } from '../../command.js';
import { verifyResume } from '../../verify/resume.js';
import { thisProgram } from '../../verify/this-program.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ device, kills, out, ...recipe }, context) => {
  const verified = await verifyResume(
    { recipe, device, out: `${out}-verify-resume`, kills, seed: recipe.seed, ...thisProgram() },
    context,
  );
  const where = Object.entries(verified.hits).map(([hit, times]) => `${times} ${hit}`);
  context.print(
    `killed ${verified.kills} times (${where.join(', ')}) and resumed: the same bytes and the same events each time`,
  );
  return { ...verified };
};
