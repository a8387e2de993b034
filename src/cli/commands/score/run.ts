import { usageError } from '../../../core/errors.js';
import { collectSooner } from '../../../telemetry/memory.js';
import { planScoring, score } from '../../../workflow/score.js';
import type { ScoreResult } from '../../../workflow/score-types.js';
import type { Run } from '../../command.js';
import { printPlan } from '../../score/plan.js';
import { showScoring } from '../../score/progress.js';
import { printResult, resultJson } from '../../score/result.js';
import { taskHooks } from '../../task-hooks.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ dryRun, ...options }, context) => {
  if (options.scorer === 'openai' && options.model === undefined && process.env.PHASETUNE_MODEL)
    throw usageError('PHASETUNE_MODEL is a model folder, to train or to score with `scorer: loss`', {
      option: 'model',
      remedies: [{ option: 'model', change: 'set', note: 'to the name of the judge, here or in a recipe' }],
    });
  if (options.scorer === 'openai') collectSooner();
  const hooks = taskHooks(context);
  if (dryRun) return printPlan(await planScoring(options, hooks), context);
  const scoring = score(options, hooks);
  const showing = showScoring(context, options);
  let result: ScoreResult;
  try {
    for await (const event of scoring.events) showing.show(event);
    result = await scoring.result;
  } finally {
    showing.end();
  }
  printResult(result, context);
  if (result.problem) throw result.problem;
  return resultJson(result);
};
