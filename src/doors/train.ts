/**
 * phasetune/train: the options of a run, its schedule, and what it leaves in its folder.
 *
 * @module train
 */

export { type Recipe, recipeSchema } from '../config/recipe.js';
export type { Order } from '../curriculum/types.js';
export { type LoraOptions, loraOptions } from '../lora/options.js';
export { type OptimOptions, optimOptions } from '../optim/options.js';
export { learningRateAt, warmupSteps } from '../optim/schedule.js';
export type {
  CheckpointEvent,
  CheckpointKind,
  EvalEvent,
  EvalProgressEvent,
  ResumeEvent,
  RunEndEvent,
  RunEvent,
  RunStartEvent,
  SpikeEvent,
  StageEndEvent,
  StageEvent,
  StageOrigin,
  StageSummary,
  StepEvent,
} from '../train/events.js';
export { type Band, formatLossMatrix, type LossMatrix, type LossRow } from '../train/forgetting.js';
export { type HeldOutRow, readHeldOutLosses } from '../train/held-out-losses.js';
export { type TrainOptions, trainOptions } from '../train/options.js';
export type { RowLedger } from '../train/outcome.js';
export { readRunEvents } from '../train/read-run-events.js';
export { runDifferences } from '../train/run-differences.js';
export { type RunFile, readRunFile as readRun } from '../train/run-file.js';
export {
  type HeldOutPoint,
  type HistoryBuilder,
  type LoggedEvent,
  type Place,
  type RunHistory,
  type StepPoint,
  startHistory,
} from '../train/run-history.js';
