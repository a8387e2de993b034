import { reportEvaluation } from '../../../workflow/eval-report.js';
import type { Run } from '../../command.js';
import { evaluationJson, printEvaluation } from '../../eval/evaluation.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, context) => {
  const reported = await reportEvaluation(options);
  printEvaluation(reported, context);
  if (reported.problem) throw reported.problem;
  return evaluationJson(reported);
};
