import { collectSooner } from '../../../telemetry/memory.js';
import { type EvaluateResult, evaluate, planEvaluation } from '../../../workflow/evaluate.js';
import type { Run } from '../../command.js';
import { printAnswerPlan } from '../../eval/answers.js';
import { evaluationJson, printEvaluation } from '../../eval/evaluation.js';
import { printJudges, printJudgingPlan } from '../../eval/judging.js';
import { showEvaluation } from '../../eval/progress.js';
import { taskHooks } from '../../task-hooks.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ dryRun, ...options }, context) => {
  collectSooner();
  const hooks = taskHooks(context);
  if (dryRun) {
    const { answers, judging } = await planEvaluation(options, hooks);
    printAnswerPlan(answers, context);
    if (judging) return { dryRun, answers, judging: printJudgingPlan(judging, context) };
    context.print(
      'how many pairs a judge is asked about is known once there are answers: `eval answer`, then this again',
    );
    return { dryRun, answers };
  }
  const evaluation = evaluate(options, hooks);
  const showing = showEvaluation(context, options);
  let evaluated: EvaluateResult;
  try {
    for await (const event of evaluation.events) showing.show(event);
    evaluated = await evaluation.result;
  } finally {
    showing.end();
  }
  printJudges(evaluated.judged, context);
  printEvaluation(evaluated, context);
  if (evaluated.problem) throw evaluated.problem;
  return evaluationJson(evaluated);
};
