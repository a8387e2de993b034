/**
 * phasetune for other programs: what the commands are made of. Nothing here prints; talk goes to a `Logger`, progress comes as
 * events. Nothing loads TensorFlow before it is used, except `loadBackend` and what needs it.
 *
 * @module
 */

export type { Backend, Device } from './backend/backend.js';
export { type Diagnosis, diagnose } from './backend/doctor.js';
export { type LoadOptions, loadBackend } from './backend/load.js';
export { type SetUpOptions, type SetUpResult, setUp } from './backend/setup.js';
export { type Recipe, recipeSchema } from './config/recipe.js';
export { type ErrorCode, type ErrorFields, PhasetuneError } from './core/errors.js';
export { readStaged, type StagingManifest } from './curriculum/manifest.js';
export { planStages } from './curriculum/stage-plan.js';
export type { Staging } from './curriculum/staging.js';
export { resolveStaging, type StagingOptions, stagingOptionsSchema } from './curriculum/staging-options.js';
export type { Order, PlannedStage, Stage, StagedSet } from './curriculum/types.js';
export { stageInto } from './curriculum/write.js';
export { encodeRows } from './data/encode-rows.js';
export type { EncodedRow } from './data/encoded.js';
export { importFile, readRecords } from './data/import.js';
export { type EncodeOptions, type ImportOptions, ROW_FORMATS } from './data/options.js';
export { type InstructionRecord, type Message, recordSchema } from './data/record.js';
export { type ChatClient, createChatClient } from './endpoint/client.js';
export { estimateAsking } from './endpoint/estimate.js';
export { type Ledger, openLedger } from './endpoint/ledger.js';
export { type EndpointOptions, endpointOptionsSchema, resolveEndpoint } from './endpoint/options.js';
export { priceOf } from './endpoint/prices.js';
export { askQuestions as ask } from './endpoint/scheduler/ask.js';
export type { AskEvent, AskSettings } from './endpoint/scheduler/ask-types.js';
export type { ChatReply, ChatRequest, Question } from './endpoint/types.js';
export { type Answer, type AnswerOptions, answerOptionsSchema } from './eval/answer-options.js';
export { type ModelMeter, openLossMeter } from './eval/loss-meter.js';
export type { GenerateOptions } from './generate/options.js';
export { mergeAdapter } from './lora/merge-folder.js';
export type { LoraOptions } from './lora/options.js';
export { readAdapter, writeAdapter } from './lora/peft-files.js';
export { importModel } from './model/import.js';
export type { ImportOptions as ModelImportOptions, ImportResult as ModelImportResult } from './model/import-options.js';
export { linearShapes } from './model/parameters.js';
export type { OptimOptions } from './optim/options.js';
export { agreementPlot } from './report/agreement-plot.js';
export { type Comparison, compareRatings as compareScores } from './scoring/compare/compare.js';
export { type CompareOptions, compareOptionsSchema } from './scoring/compare/options.js';
export { comparisonReport } from './scoring/compare/report.js';
export { encodePairs, type LossPair, lossScoreOf } from './scoring/ifd.js';
export { type Judge, resolveJudge } from './scoring/judge.js';
export { type JudgeOptions, judgeOptionsSchema } from './scoring/judge-options.js';
export { judgeRows } from './scoring/judge-rows.js';
export { type Judgements, openQuestions, readJudgements } from './scoring/judgements.js';
export { lengthScores } from './scoring/length.js';
export { type LossOptions, lossOptionsSchema } from './scoring/loss-options.js';
export {
  type LossMeter,
  type LossPlan,
  type LossProgress,
  meanLoss,
  measureLosses,
  planLosses,
} from './scoring/measure-losses.js';
export { parseReply } from './scoring/parse.js';
export { type PromptOptions, promptFor } from './scoring/prompt.js';
export { type RatingOptions, type Ratings, readRatings } from './scoring/ratings.js';
export { loadRubric, type Rubric, type Scale } from './scoring/rubric.js';
export { drawSample as sampleRows } from './scoring/sample.js';
export { readScoresManifest, type ScoresManifest, writeScored } from './scoring/scored.js';
export { type Block, markdown, plainLines } from './telemetry/document.js';
export { createLogger, type Logger, silentLogger } from './telemetry/logger.js';
export { keepSecret } from './telemetry/redact.js';
export { loadTokenizer, type Tokenizer } from './tokenizer/tokenizer.js';
export { readCheckpoint } from './train/checkpoint.js';
export type { TrainEvent } from './train/events.js';
export type { LossMatrix } from './train/forgetting.js';
export { loraTuner } from './train/lora-tuner.js';
export type { TrainOptions } from './train/options.js';
export { type PreparedRun, prepareRun } from './train/prepare.js';
export { findResumePoint } from './train/resume.js';
export { claimRunFolder, type RunFile, readRunFile } from './train/run-file.js';
export { type RunJob, runStages } from './train/staged-run.js';
export { type LanguageModel, openModel, type Prompt } from './workflow/model.js';
