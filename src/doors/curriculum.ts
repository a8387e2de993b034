/**
 * phasetune/curriculum: scored rows cut into stages, and stages put into an order to train in.
 *
 * @module curriculum
 */

export { type Cut, type CutResult, cut } from '../curriculum/cut.js';
export { lengthExplained } from '../curriculum/length-cut.js';
export { readManifest, readStaged, type StagingManifest } from '../curriculum/manifest.js';
export { naturalBreaks } from '../curriculum/natural-breaks.js';
export { type PlanOptions, planOptionsSchema } from '../curriculum/options.js';
export { planStages, type ScoredRow } from '../curriculum/stage-plan.js';
export {
  resolveStaging,
  type StagingOptions,
  type StagingPlan,
  stagingOptionsSchema,
} from '../curriculum/staging-options.js';
export type { Order, PlannedStage, Stage, StagedSet } from '../curriculum/types.js';
export type { InstructionRecord, Message } from '../data/record.js';
