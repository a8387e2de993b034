/**
 * phasetune/eval: what an evaluation does without a model: checks of an answer, what a judge of two
 * answers is asked and what its reply means, results from the files of an evaluation, their
 * diagnosis, and AlpacaEval's files.
 *
 * @module eval
 */

export type { RawRow } from '../data/fields.js';
export type { Message } from '../data/record.js';
export type { RequestMessage } from '../endpoint/types.js';
export type { AnswerChecks, AnswerRow, ConstraintCheck, ReferenceLoss } from '../eval/answers/answer-row.js';
export { type CheckedAnswer, checkAnswer } from '../eval/checks/checks.js';
export { diagnose } from '../eval/diagnosis/diagnose.js';
export type { Diagnosis, DiagnosisTest, ScoreBin, Signature, SignatureName } from '../eval/diagnosis/diagnosis.js';
export type { DiagnosisFacts, FactRow, RunCheck, StageFacts } from '../eval/diagnosis/facts.js';
export { readFacts } from '../eval/diagnosis/read-facts.js';
export type { TestOptions } from '../eval/diagnosis/tests.js';
export type { EvalFile } from '../eval/eval-file.js';
export { type Annotation, type OwnVerdict, readAnnotations } from '../eval/foreign/annotations.js';
export { type ModelOutput, type ModelOutputs, readModelOutputs } from '../eval/foreign/model-outputs.js';
export type { Label } from '../eval/judge/claims.js';
export { loadPairForm, type PairForm } from '../eval/judge/pair-form.js';
export type { MissingReason, PairQuestion } from '../eval/judge/pair-judge.js';
export { pairPromptFor } from '../eval/judge/pair-prompt.js';
export { type ParsedPair, parsePair } from '../eval/judge/parse-pair.js';
export { type ComputedResult, computeResult } from '../eval/result/compute.js';
export { type ArmAnswers, type Evaluation, type RatedRow, readEvaluation } from '../eval/result/evaluation.js';
export { type ReportOptions, reportOptionsSchema } from '../eval/result/options.js';
export type { EvaluationResult } from '../eval/result/result.js';
export type { ArmPlot } from '../eval/result/surprising.js';
export type { Pair, PairedAnswer, SetAnswers } from '../eval/verdicts/pair-types.js';
export { type Pairing, type PairsOption, pairAnswers } from '../eval/verdicts/pairs.js';
export type { OrderVerdict, Verdict } from '../eval/verdicts/verdict.js';
export type { JudgePrompt, PromptOptions } from '../scoring/prompt.js';
