import { answerSets, planAnswers } from '../../../workflow/eval-answer.js';
import type { Run } from '../../command.js';
import { showAnswering } from '../../eval/answer-progress.js';
import { answersJson, printAnswerPlan, printAnswers } from '../../eval/answers.js';
import { taskHooks } from '../../task-hooks.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ dryRun, ...options }, context) => {
  const hooks = taskHooks(context);
  if (dryRun) {
    const plan = await planAnswers(options, hooks);
    printAnswerPlan(plan, context);
    return { dryRun, ...plan };
  }
  const answering = answerSets(options, hooks);
  const showing = showAnswering(context);
  try {
    for await (const event of answering.events) showing.show(event);
  } finally {
    showing.end();
  }
  const result = await answering.result;
  printAnswers(result, context);
  return answersJson(result);
};
