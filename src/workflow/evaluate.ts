import { parseOptions } from '../config/given-options.js';
import { PhasetuneError } from '../core/errors.js';
import type { Remedy } from '../core/remedies.js';
import { startTask, type Task } from '../core/task.js';
import { evalPaths } from '../eval/eval-file.js';
import { exists } from '../io/files.js';
import { answerSets, planAnswers } from './eval-answer.js';
import { answerSetsOptionsSchema } from './eval-answer-options.js';
import type { AnswerSetsEvent, AnswerSetsPlan, AnswerSetsResult } from './eval-answer-types.js';
import { judgeAnswers, planJudgingAnswers } from './eval-judge.js';
import { judgeAnswersOptionsSchema } from './eval-judge-options.js';
import type { JudgeAnswersEvent, JudgeAnswersResult, PairJudgingPlan } from './eval-judge-types.js';
import { type ReportedEvaluation, reportEvaluation } from './eval-report.js';
import { reportEvaluationOptionsSchema } from './eval-report-options.js';
import { type EvaluateOptions, evaluateOptionsSchema } from './evaluate-options.js';
import type { AskHooks } from './hooks.js';

/** What happens while an evaluation is made, by its parts. */
export type EvaluateEvent =
  | { readonly part: 'answer'; readonly event: AnswerSetsEvent }
  | { readonly part: 'judge'; readonly event: JudgeAnswersEvent };

/** What came of each part. `problem` is why there is no verdict although all files are written. */
export interface EvaluateResult extends ReportedEvaluation {
  readonly answered: AnswerSetsResult;
  readonly judged: JudgeAnswersResult;
}

/** What an evaluation would do. */
export interface EvaluatePlan {
  readonly answers: AnswerSetsPlan;
  /** Known only where there are answers already: how many pairs differ decides how much is asked. */
  readonly judging?: PairJudgingPlan | undefined;
}

/**
 * A whole evaluation: every arm answers the same instructions, a judge compares the answers in pairs, and the result
 * and a report are written. The same options again continue: nothing is generated, measured or asked twice.
 *
 * Fails as its parts do (`answerSets`, `judgeAnswers`, `reportEvaluation`). A result with a `problem` has all its files
 * written, but too much is missing for an answer.
 *
 * @example
 * const arms = ['base=models/tiny-llama', 'phased=checkpoints/first'];
 * const endpoint = { baseUrl: 'http://localhost:8000/v1', model: 'qwen3' };
 * const evaluation = evaluate({ arms, sets: ['staged'], out: 'evals/first', maxTokens: 16, ...endpoint });
 * const { result } = await evaluation.result;
 * for (const [arm, { winRate, low, high }] of Object.entries(result.arms)) console.log(arm, winRate, low, high);
 */
export const evaluate = (options: EvaluateOptions, hooks: AskHooks = {}): Task<EvaluateEvent, EvaluateResult> =>
  startTask(() => evaluateAll(options, hooks));

async function* evaluateAll(given: EvaluateOptions, hooks: AskHooks): AsyncGenerator<EvaluateEvent, EvaluateResult> {
  const { answering, judging, reporting } = partsOf(given);
  const answered = yield* labelled('answer', answerSets(answering, hooks));
  const judged = yield* labelled('judge', judgeAnswers(judging, hooks));
  const reported = await reportEvaluation(reporting, hooks);
  const problem = judged.problem ?? (reported.problem && hereAgain(reported.problem));
  return { ...reported, answered, judged, ...(problem && { problem }) };
}

/** What helps, for one who called the whole evaluation: the same call, instead of one of its parts. */
function hereAgain(problem: PhasetuneError): PhasetuneError {
  const remedies = problem.fields.remedies?.map(
    (remedy): Remedy => ('task' in remedy ? { advice: 'run the same task again to ask for the missing ones' } : remedy),
  );
  return new PhasetuneError(problem.code, problem.message, { ...problem.fields, ...(remedies && { remedies }) });
}

async function* labelled<P extends 'answer' | 'judge', E, R>(
  part: P,
  task: Task<E, R>,
): AsyncGenerator<{ part: P; event: E }, R> {
  for await (const event of task.events) yield { part, event };
  return task.result;
}

/**
 * What {@link evaluate} would do with the same options, without loading weights, asking, or writing anything.
 *
 * @example
 * const arms = ['base=models/tiny-llama', 'phased=checkpoints/first'];
 * const { answers, judging } = await planEvaluation({ arms, sets: ['staged'], out: 'evals/second', judge: 'letters' });
 * console.log(answers.answers.missing, 'answers are to be generated', judging?.questions);
 */
export async function planEvaluation(given: EvaluateOptions, hooks: AskHooks = {}): Promise<EvaluatePlan> {
  const { answering, judging } = partsOf(given);
  const answers = await planAnswers(answering, hooks);
  if (answers.answers.missing > 0 || !exists(evalPaths(answering.out).evalFile)) return { answers };
  return { answers, judging: await planJudgingAnswers(judging, hooks) };
}

/** The options of each part. */
function partsOf(given: EvaluateOptions) {
  const options = parseOptions(evaluateOptionsSchema, given);
  const folder = options.out;
  return {
    answering: pick(answerSetsOptionsSchema.shape, options),
    judging: { ...pick(judgeAnswersOptionsSchema.shape, options), folder },
    reporting: { ...pick(reportEvaluationOptionsSchema.shape, options), folder },
  };
}

/** The values of the keys that a schema has. */
const pick = <S extends object, O extends object>(shape: S, options: O): Pick<O, keyof S & keyof O> =>
  Object.fromEntries(Object.entries(options).filter(([key]) => key in shape)) as Pick<O, keyof S & keyof O>;
