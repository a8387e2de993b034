import { collectSooner } from '../../../telemetry/memory.js';
import { describeCost } from '../../../workflow/asking-cost.js';
import { judgeAnswers, planJudgingAnswers } from '../../../workflow/eval-judge.js';
import type { EvalJudgeResult } from '../../../workflow/eval-judge-types.js';
import type { AskHooks } from '../../../workflow/hooks.js';
import type { CommandContext, Run } from '../../command.js';
import { judgingJson, printJudging, printJudgingPlan, showJudging } from '../../eval/judging.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ dryRun, ...options }, context) => {
  collectSooner();
  const hooks = hooksOf(context);
  if (dryRun) return printJudgingPlan(await planJudgingAnswers(options, hooks), context);
  const judging = judgeAnswers(options, hooks);
  const showing = showJudging(context, options);
  let result: EvalJudgeResult;
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

/** The signal is handed over only once it is needed: until then an interrupt ends the process at once. */
const hooksOf = (context: CommandContext): AskHooks => {
  const { logger, verbose, confirm } = context;
  return {
    logger,
    verbose,
    get signal() {
      return context.signal;
    },
    ...(confirm && { confirm: (cost) => confirm(`This may cost ${describeCost(cost)}. Continue?`) }),
  };
};
