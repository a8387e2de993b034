import { type AblateResult, ablate } from '../../../study/ablate.js';
import { planStudy } from '../../../study/plan-study.js';
import type { AskHooks } from '../../../workflow/hooks.js';
import type { CommandContext, Run } from '../../command.js';
import { watchBeside } from '../../live/beside.js';
import { printDetached } from '../../study/detached.js';
import { printNextSteps } from '../../study/next-steps.js';
import { printStudyPlan } from '../../study/plan-display.js';
import { showStudy } from '../../study/progress.js';
import { printResults } from '../../study/results-display.js';
import { taskHooks } from '../../task-hooks.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ dryRun, watch, ...options }, context) => {
  const hooks = taskHooks(context);
  const { pilot } = options;
  if (dryRun) return planned(options, context, hooks);
  if (watch) await watchBeside(options.out, context);
  const study = ablate(options, hooks);
  const showing = showStudy(context);
  let ended: AblateResult;
  let detached: readonly string[] | undefined;
  try {
    for await (const event of study.events) {
      showing.show(event);
      if (event.type === 'detached') detached = event.jobs;
    }
    ended = await study.result;
  } finally {
    showing.end();
  }
  const { results, problem, job } = ended;
  if (results) printResults(results, context);
  if (job) printNextSteps(job, options, context);
  if (detached && !results) printDetached(options, context);
  if (problem) throw problem;
  if (detached && !results) return { folder: ended.folder, jobs: detached };
  if (job) return { folder: ended.folder, job };
  if (!results && pilot !== undefined) return { pilot, ...(await planned(options, context, hooks)) };
  return { folder: ended.folder, ...results };
};

/** Prints what the study would take, and what it could find. */
async function planned(
  options: Parameters<typeof planStudy>[0],
  context: CommandContext,
  hooks: AskHooks,
): Promise<Record<string, unknown>> {
  const plan = await planStudy(options, hooks);
  printStudyPlan(plan, context);
  return { dryRun: true, ...plan };
}
