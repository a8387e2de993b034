import * as z from 'zod';
import { durationField, measuredField } from '../io/manifest-fields.js';

/** A whole number from zero on, in a file. */
export const count = z.number().int().min(0);

/** Schema of {@link Saved}. */
export const savedSchema = z.strictObject({ path: z.string(), sha256: z.string() });

/** A folder with an adapter: relative to the run's, with `/`, and the SHA-256 of its `adapter_model.safetensors`. */
export type Saved = z.infer<typeof savedSchema>;

/** Schema of {@link RowLedger}. */
export const rowLedgerSchema = z.strictObject({ rows: count, sha256: z.string() });

/** The rows that a stage has consumed, in order: how many, and a hash that runs over their ids. */
export type RowLedger = z.infer<typeof rowLedgerSchema>;

/** Schema of a row of the forgetting matrix, see `forgetting.ts`. */
export const lossRowSchema = z.strictObject({
  after: count,
  losses: z.array(measuredField).readonly(),
  all: measuredField,
});

/** Schema of a band of difficulty among the held-out rows. */
export const bandSchema = z.strictObject({ stage: z.number().int().min(1), rows: count, tokens: count });

/** Schema of what a stage will do, see `events.ts`. */
export const stageSummarySchema = z.strictObject({
  stage: z.number().int().min(1),
  label: z.string(),
  rows: count,
  replayed: count,
  steps: count,
  tokens: count,
  trainedTokens: count,
  paddedTokens: count,
});

/** Schema of where a stage's weights came from, see `events.ts`. */
export const originSchema = z.strictObject({
  from: z.enum(['base', 'previous-end', 'previous-best']),
  path: z.string().optional(),
  sha256: z.string().optional(),
  merged: z.boolean().optional(),
});

/** Schema of {@link TrainedStage}. */
export const stageResultSchema = z.strictObject({
  /** Absent until the stage begins. */
  origin: originSchema.optional(),
  /** Absent until the stage is done. */
  end: savedSchema.optional(),
  best: savedSchema.optional(),
  /** Rows whose steps changed the weights. */
  consumed: rowLedgerSchema.optional(),
  /** Steps that were skipped since their loss was not finite or jumped. */
  skipped: z.array(count).optional(),
  seconds: durationField.optional(),
  /** Absent where no step stayed. */
  tokensPerSecond: measuredField.optional(),
});

/** What came of a stage so far: in `run.json`, and in every checkpoint of the stages after it. */
export type TrainedStage = z.infer<typeof stageResultSchema>;
