/**
 * phasetune for other programs: one function for each task. None of them prints: talk goes to a
 * `Logger`, progress comes as events. Each takes the options of the command of the same name, with
 * the same defaults; one that is not as it must be is a `PhasetuneError` that names it. Importing
 * this loads no TensorFlow: what computes loads it.
 *
 * Finer functions of one part: `phasetune/data`, `phasetune/scoring`, `phasetune/curriculum`,
 * `phasetune/train`, `phasetune/eval`, `phasetune/study`, `phasetune/statistics`.
 *
 * @module phasetune
 */

export type { Backend, Device } from './backend/backend.js';
export type { Diagnosis } from './backend/doctor.js';
export type { Card, Problem } from './backend/native/detect.js';
export type { Variant } from './backend/native/paths.js';
export type { DeviceChoice } from './backend/options.js';
export type { SetUpResult } from './backend/setup.js';
export { type Recipe, recipeSchema } from './config/recipe.js';
export {
  type AllOf,
  type CommonFields,
  type ErrorCode,
  type ErrorFields,
  type FieldsOfCode,
  PhasetuneError,
} from './core/errors.js';
export type { OptionValue, Remedy, TaskName, TaskOptions, Vocabulary } from './core/remedies.js';
export type { Task } from './core/task.js';
export type { Cut } from './curriculum/cut.js';
export type { Duplicates } from './curriculum/duplicates.js';
export type { Histogram } from './curriculum/histogram.js';
export { readStaged, type StagingManifest } from './curriculum/manifest.js';
export type { Confounding, StageContents, Staging } from './curriculum/staging.js';
export type { StagingOptions, StagingPlan } from './curriculum/staging-options.js';
export type { Order, Stage, StagedSet } from './curriculum/types.js';
export type { BatchShape, BatchSize } from './data/batch-shapes.js';
export type { EncodeReport } from './data/encode-rows.js';
export { importOptionsSchema } from './data/options.js';
export { type InstructionRecord, type Message, recordSchema } from './data/record.js';
export type { AskingEstimate } from './endpoint/estimate.js';
export type { EndpointAddress } from './endpoint/options.js';
export type { Price } from './endpoint/prices.js';
export type { AskEvent, AskResult, AskTotals, Delay } from './endpoint/scheduler/ask-types.js';
export type {
  ChatReply,
  Failure,
  FailureKind,
  Feature,
  RequestMessage,
  SettledQuestion,
  TokenLogprob,
  Usage,
} from './endpoint/types.js';
export { type Answer, answerOptionsSchema } from './eval/answer-options.js';
export type { ArmRun, HashedFolder } from './eval/arms/arm-run.js';
export type { EntranceResult, EntranceShare } from './eval/judge/entrance.js';
export type { AskingEvent, LlmReplies, PairAsking } from './eval/judge/llm-judge.js';
export type { JudgeKind, MissingReason } from './eval/judge/pair-judge.js';
export type { EvaluationResult } from './eval/result/result.js';
export type { Repeatability } from './eval/verdicts/repeatability.js';
export { type CheckedStage, checkHandover, type HandoverCheck } from './handover/check.js';
export { type HandedOver, handOver } from './handover/hand-over.js';
export type { HandoverRecord } from './handover/handover-record.js';
export { type ImportedHandover, importHandover } from './handover/import.js';
export { type ImportHandoverInput, importHandoverOptionsSchema } from './handover/import-options.js';
export { type EngineName, type HandoverInput, handoverOptionsSchema } from './handover/options.js';
export type { Finding, Trap } from './handover/traps.js';
export { type LiveHooks, type LivePage, openLivePage } from './live/open.js';
export { type LiveOptions, liveOptionsSchema } from './live/options.js';
export type { MergeResult } from './lora/merge-folder.js';
export type { ImportResult } from './model/import-options.js';
export type { PullResult } from './model/pull.js';
export type { Precision } from './program/compile-options.js';
export type { PrecisionChoice } from './program/products/choose.js';
export type { ProductSpeeds } from './program/products/measure.js';
export { type MadeReport, makeReport, type ReportHooks } from './report/make-report.js';
export { type MakeReportOptions, makeReportOptionsSchema } from './report/options.js';
export { type ExportedBoard, type ExportedRun, exportTensorBoard } from './report/tensorboard/export.js';
export { type ExportTensorBoardOptions, exportTensorBoardOptionsSchema } from './report/tensorboard/options.js';
export type { Cleaning } from './scoring/cleaning.js';
export type { Agreement, LengthCorrelation } from './scoring/compare/agreement.js';
export type { Comparison, ComparisonProgress, Disagreement, PairComparison } from './scoring/compare/compare.js';
export type { StageMoves } from './scoring/compare/moves.js';
export type { Judge } from './scoring/judge.js';
export type { JudgeOptions } from './scoring/judge-options.js';
export type { JudgeEvent } from './scoring/judge-rows.js';
export type { JudgementCounts } from './scoring/judged-outcomes.js';
export type { MatchBy } from './scoring/match.js';
export type { LossProgress } from './scoring/measure-losses.js';
export type { JudgePrompt } from './scoring/prompt.js';
export type { Rubric, Scale } from './scoring/rubric.js';
export type { Stratum } from './scoring/sample.js';
export type { ScoresManifest } from './scoring/scored.js';
export type { Estimate } from './statistics/bootstrap.js';
export type { Confusion } from './statistics/kappa.js';
export type { PairCounts } from './statistics/pairs.js';
export { type AblateResult, ablate, type CellCommand, type StudyHooks } from './study/ablate.js';
export type { Cell } from './study/cell.js';
export { retryCells, type Stopping, type StudyStatus, stopStudy, studyStatus } from './study/control.js';
export type { StateCounts, StudyEvent } from './study/events.js';
export type { KnownMemory } from './study/largest-run.js';
export { type AblateOptions, ablateOptionsSchema } from './study/options.js';
export { type PlannedArm, planStudy, type StudyPlan } from './study/plan-study.js';
export type { KnownSd, StudyPower } from './study/power.js';
export type { RenderedJob } from './study/render/render.js';
export type { Results } from './study/results/results.js';
export type { Unit } from './study/results/units.js';
export { type CellOptions, runCell } from './study/run-cell.js';
export type { CellState, Failure as CellFailure } from './study/state.js';
export type { Study, StudyRecord } from './study/study-record.js';
export type { KnownSpeed, TimeForecast } from './study/time-forecast.js';
export type { WinRatePlan } from './study/win-rate-plan.js';
export { createLogger, type Logger, type LoggerOptions } from './telemetry/logger.js';
export type { Division } from './train/division.js';
export type { EntryBatches } from './train/entry-shapes.js';
export type * from './train/events.js';
export type { Attempt, MemoryOptions } from './train/fit-memory.js';
export type { Band, LossMatrix, LossRow } from './train/forgetting.js';
export type { MemoryForecast } from './train/memory-forecast.js';
export type { TrainOptions } from './train/options.js';
export type { RowLedger } from './train/outcome.js';
export { type RunFile, readRunFile as readRun } from './train/run-file.js';
export { type CheckJudgeResult, checkJudge } from './workflow/check-judge.js';
export { type CheckJudgeOptions, checkJudgeOptionsSchema } from './workflow/check-judge-options.js';
export { type CompareScoresOptions, compareScoresOptionsSchema } from './workflow/compare-options.js';
export { type CompareScoresEvent, type CompareScoresResult, compareScores } from './workflow/compare-scores.js';
export { answerSets, planAnswers } from './workflow/eval-answer.js';
export { type AnswerSetsOptions, answerSetsOptionsSchema } from './workflow/eval-answer-options.js';
export type {
  AnsweringCounts,
  AnsweringProgress,
  AnswerPlace,
  AnswerSetsEvent,
  AnswerSetsPlan,
  AnswerSetsResult,
  ArmAnswers,
} from './workflow/eval-answer-types.js';
export { type ImportedEvaluationResult, importEvaluation } from './workflow/eval-import.js';
export { type ImportEvaluationOptions, importEvaluationOptionsSchema } from './workflow/eval-import-options.js';
export { judgeAnswers, planJudgingAnswers } from './workflow/eval-judge.js';
export { type JudgeAnswersOptions, judgeAnswersOptionsSchema } from './workflow/eval-judge-options.js';
export type {
  JudgeAnswersEvent,
  JudgeAnswersResult,
  JudgedPairCounts,
  JudgedPairs,
  PairJudgingPlan,
} from './workflow/eval-judge-types.js';
export { type PowerPlan, planPower } from './workflow/eval-power.js';
export { type PowerOptions, powerOptionsSchema } from './workflow/eval-power-options.js';
export { type ReportedEvaluation, reportEvaluation } from './workflow/eval-report.js';
export { type ReportEvaluationOptions, reportEvaluationOptionsSchema } from './workflow/eval-report-options.js';
export { type SampledPairs, samplePairs } from './workflow/eval-sample.js';
export { type SamplePairsOptions, samplePairsOptionsSchema } from './workflow/eval-sample-options.js';
export {
  type EvaluateEvent,
  type EvaluatePlan,
  type EvaluateResult,
  evaluate,
  planEvaluation,
} from './workflow/evaluate.js';
export { type EvaluateOptions, evaluateOptionsSchema } from './workflow/evaluate-options.js';
export type { AskHooks, Hooks, TaskProgress } from './workflow/hooks.js';
export {
  type ImportedFile,
  type ImportOptions,
  type ImportRowsOptions,
  importRows,
  importRowsOptionsSchema,
  readRecords,
} from './workflow/import.js';
export { type ImportScoresResult, importScores } from './workflow/import-scores.js';
export { type ImportScoresOptions, importScoresOptionsSchema } from './workflow/import-scores-options.js';
export {
  type DiagnoseOptions,
  diagnose,
  type MachineDiagnosis,
  type MachineSetUp,
  type SetUpOptions,
  setUp,
  setUpOptionsSchema,
} from './workflow/machine.js';
export { type LanguageModel, openModel, type Prompt } from './workflow/model.js';
export {
  type ImportModelOptions,
  importModel,
  importModelOptionsSchema,
  type MergeOptions,
  mergeAdapter,
  mergeOptionsSchema,
  type PullModelOptions,
  pullModel,
  pullModelOptionsSchema,
} from './workflow/model-files.js';
export { type AnswerOptions, type ModelOptions, modelOptionsSchema } from './workflow/model-options.js';
export { type SampleOptions, sampleOptionsSchema } from './workflow/sample-options.js';
export { type SampleResult, sampleRows } from './workflow/sample-rows.js';
export { planScoring, score } from './workflow/score.js';
export { type ScoreOptions, scoreOptionsSchema } from './workflow/score-options.js';
export type {
  CostQuestion,
  CountedFile,
  CountingPlan,
  JudgedFile,
  JudgingEstimate,
  JudgingPlan,
  MeasuredFile,
  MeasuringPlan,
  ScoredFile,
  ScoreEvent,
  ScoreHooks,
  ScoreResult,
  ScoringPlan,
} from './workflow/score-types.js';
export { type StageResult, stage } from './workflow/stage.js';
export { type StageOptions, stageOptionsSchema } from './workflow/stage-options.js';
export { planTraining, train } from './workflow/train.js';
export type {
  AlreadyDoneEvent,
  CompileEvent,
  EncodeEvent,
  OtherwiseHeld,
  PlanEvent,
  PlannedMemory,
  TrainEvent,
  TrainingPlan,
  TrainResult,
  WarningEvent,
} from './workflow/train-events.js';
export { type TrainingInput, type TrainingOptions, trainingOptionsSchema } from './workflow/train-options.js';
