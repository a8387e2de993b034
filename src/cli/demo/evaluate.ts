import type { DeviceChoice } from '../../backend/options.js';
import type { AnswerRow } from '../../eval/answers/answer-row.js';
import { readAnswerRows } from '../../eval/answers/read-answer-rows.js';
import { evalPaths } from '../../eval/eval-file.js';
import type { EvaluationResult } from '../../eval/result/result.js';
import { evaluate } from '../../workflow/evaluate.js';
import type { EvaluateOptions } from '../../workflow/evaluate-options.js';
import type { CommandContext } from '../command.js';
import { showEvaluation } from '../eval/progress.js';

/** What is compared, and where. */
export interface DemoEvaluation {
  /** Folder of the base model. */
  readonly before: string;
  /** Folder of the run. */
  readonly after: string;
  /** The staged folder with the held-out rows. */
  readonly holdout: string;
  readonly out: string;
  readonly device: DeviceChoice;
}

/** Answers of the model before and after training, row by row, and what came of comparing them. */
export interface EvaluatedDemo {
  readonly before: readonly AnswerRow[];
  readonly after: readonly AnswerRow[];
  readonly result: EvaluationResult;
}

/** Tokens of an answer at most; the demo's own answers are shorter. */
const MAX_TOKENS = 32;
/** Rows that are answered together. */
const BATCH = 12;

/**
 * Lets the model answer the held-out questions before and after training, and compares the answers by what needs no
 * judge: whether they are as expected, and which of them the question makes likelier.
 */
export async function evaluateDemo(
  { before, after, holdout, out, device }: DemoEvaluation,
  context: CommandContext,
): Promise<EvaluatedDemo> {
  const { signal, verbose } = context;
  const options: EvaluateOptions = {
    arms: [`before=${before}`, `after=${after}`],
    sets: [holdout],
    out,
    judge: 'likelihood',
    entrance: false,
    loss: false,
    maxTokens: MAX_TOKENS,
    batch: BATCH,
    device,
  };
  // Without a logger: what is odd about the model is a warning of the training.
  const evaluation = evaluate(options, { signal, verbose });
  const quiet = { ...context, logger: { ...context.logger, info() {} } };
  const showing = showEvaluation(quiet, {});
  try {
    for await (const event of evaluation.events) showing.show(event);
  } finally {
    showing.end();
  }
  const { result, answered } = await evaluation.result;
  const set = answered.sets[0]!.name;
  const answersOf = (arm: string) => readAnswerRows(evalPaths(out).answers(arm, 1, set));
  return { before: await answersOf('before'), after: await answersOf('after'), result };
}
