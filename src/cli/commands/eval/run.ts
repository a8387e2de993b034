import { collectSooner } from '../../../telemetry/memory.js';
import { type EvaluateResult, evaluate, planEvaluation } from '../../../workflow/evaluate.js';
import type { Run } from '../../command.js';
import { showAnswering } from '../../eval/answer-progress.js';
import { printAnswerPlan } from '../../eval/answers.js';
import { evaluationJson, printEvaluation } from '../../eval/evaluation.js';
import { printJudges, printJudgingPlan, showJudging } from '../../eval/judging.js';
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
  const [answering, judging] = [showAnswering(context), showJudging(context, options)];
  let evaluated: EvaluateResult;
  try {
    for await (const { part, event } of evaluation.events)
      if (part === 'answer') answering.show(event);
      else judging.show(event);
    evaluated = await evaluation.result;
  } finally {
    answering.end();
    judging.end();
  }
  printJudges(evaluated.judged, context);
  printEvaluation(evaluated, context);
  if (evaluated.problem) throw evaluated.problem;
  return evaluationJson(evaluated);
};
