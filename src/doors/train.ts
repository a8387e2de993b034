/**
 * phasetune/train: the options of a run, its schedule, and what it leaves in its folder.
 *
 * @module train
 */

export { type Recipe, recipeSchema } from '../config/recipe.js';
export { type LoraOptions, loraOptions } from '../lora/options.js';
export { type OptimOptions, optimOptions } from '../optim/options.js';
export { learningRateAt, warmupSteps } from '../optim/schedule.js';
export { type Band, formatLossMatrix, type LossMatrix, type LossRow } from '../train/forgetting.js';
export { type TrainOptions, trainOptions } from '../train/options.js';
export { runDifferences } from '../train/run-differences.js';
export { type RunFile, readRunFile as readRun } from '../train/run-file.js';
