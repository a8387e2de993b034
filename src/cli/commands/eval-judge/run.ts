import { collectSooner } from '../../../telemetry/memory.js';
import { judgeAnswers, planJudgingAnswers } from '../../../workflow/eval-judge.js';
import type { JudgeAnswersResult } from '../../../workflow/eval-judge-types.js';
import type { Run } from '../../command.js';
import { judgingJson, printJudging, printJudgingPlan, showJudging } from '../../eval/judging.js';
import { taskHooks } from '../../task-hooks.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ dryRun, ...options }, context) => {
  collectSooner();
  const hooks = taskHooks(context);
  if (dryRun) return printJudgingPlan(await planJudgingAnswers(options, hooks), context);
  const judging = judgeAnswers(options, hooks);
  const showing = showJudging(context, options);
  let result: JudgeAnswersResult;
  try {
    for await (const event of judging.events) showing.show(event);
    result = await judging.result;
  } finally {
    showing.end();
  }
  printJudging(result, context);
  if (result.problem) throw result.problem;
  return judgingJson(result);
};
