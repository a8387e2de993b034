/**
 * phasetune/data: rows of any format as records, records as tokens, tokens as batches.
 *
 * @module data
 */

export {
  type BatchPlan,
  type KnownSizes,
  type PlannedStep,
  type PlanStage,
  planBatches,
  type TrainingBudget,
} from '../data/batch-plan.js';
export type { BatchShape, BatchSize } from '../data/batch-shapes.js';
export { type EncodeHooks, type EncodeReport, encodeRows } from '../data/encode-rows.js';
export type { EncodedRow } from '../data/encoded.js';
export type { MicroBatch } from '../data/micro-batch.js';
export {
  type BatchOptions,
  batchOptionsSchema,
  type EncodeOptions,
  encodeOptionsSchema,
  importOptionsSchema,
  ROW_FORMATS,
} from '../data/options.js';
export { renderPrompt } from '../data/prompt.js';
export { type InstructionRecord, type Message, recordSchema } from '../data/record.js';
export type { Logger } from '../telemetry/logger.js';
export type {
  ChatRenderer,
  RenderedChat,
  RenderOptions,
  TemplateMessage,
  TextRange,
} from '../tokenizer/chat-template.js';
export type { Encoding } from '../tokenizer/encoding.js';
export type { LiteralText } from '../tokenizer/literal-text.js';
export { type EncodeInput, loadTokenizer, type SpecialToken, type Tokenizer } from '../tokenizer/tokenizer.js';
export type { Hooks, TaskProgress } from '../workflow/hooks.js';
export {
  type ImportedFile,
  type ImportOptions,
  type ImportRowsOptions,
  importRows,
  readRecords,
} from '../workflow/import.js';
