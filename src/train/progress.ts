import * as z from 'zod';
import type { PlannedStep } from '../data/batch-plan.js';
import { durationField, measuredField } from '../io/manifest-fields.js';
import type { StepEvent } from './events.js';
import { consume, NO_ROWS } from './ledger.js';
import { count, rowLedgerSchema, savedSchema } from './outcome.js';

const sumsShape = { tokens: count, trainedTokens: count, seconds: durationField };

/** Schema of {@link Progress}. */
export const progressSchema = z.strictObject({
  /** Steps of this stage done: the cursor in its batch plan. */
  step: count,
  /** Updates that the moments have seen: more than `step` when they were carried from an earlier stage. */
  optimizerStep: count,
  ...sumsShape,
  /** The same since the last report, and the sum of the loss over the trained tokens. */
  since: z.strictObject({ ...sumsShape, loss: measuredField }),
  /** State of the generator that gives every step its dropout seed. */
  random: z.tuple([count, count, count, count]),
  /** Losses that a jump is recognised by, see `spikeWatch`. */
  losses: z.array(measuredField),
  consumed: rowLedgerSchema,
  /** Steps that are left out, from 1, and how many losses, not finite or too high, caused that. */
  skipped: z.array(count),
  spikes: count,
  /** The checkpoint with the least held-out loss over all bands so far. */
  best: z.strictObject({ saved: savedSchema, loss: measuredField }).optional(),
});

/** How far a stage is: all that changes from step to step, besides the tensors. Plain data. */
export type Progress = z.infer<typeof progressSchema>;

const NOTHING = { loss: 0, tokens: 0, trainedTokens: 0, seconds: 0 };

/** The checkpoint with the least held-out loss so far; none before the first finite one. */
export const bestOf = ({ best }: Progress): Progress['best'] => (best && Number.isFinite(best.loss) ? best : undefined);

/** True for a held-out loss that is less than the best so far: one that is not finite never is. */
export const isBetter = (loss: number, best: { readonly loss: number } | undefined): boolean =>
  Number.isFinite(loss) && (best === undefined || loss < best.loss);

/** Tokens a second; undefined where no time was spent, as in a stage of which no step stayed. */
export const speedOf = (tokens: number, seconds: number): number | undefined =>
  seconds > 0 ? tokens / seconds : undefined;

/** Before the first step; the moments have seen `stepsBefore` updates. */
export const startProgress = (random: Progress['random'], stepsBefore: number): Progress => ({
  step: 0,
  optimizerStep: stepsBefore,
  tokens: 0,
  trainedTokens: 0,
  seconds: 0,
  since: NOTHING,
  random,
  losses: [],
  consumed: NO_ROWS,
  skipped: [],
  spikes: 0,
});

/** The progress after a step that took so many seconds and whose update was made. */
export function advance(before: Progress, planned: PlannedStep, loss: number, seconds: number): Progress {
  const { tokens, trainedTokens } = planned;
  const add = <T extends { tokens: number; trainedTokens: number; seconds: number }>(sums: T): T => ({
    ...sums,
    tokens: sums.tokens + tokens,
    trainedTokens: sums.trainedTokens + trainedTokens,
    seconds: sums.seconds + seconds,
  });
  return {
    ...add(before),
    step: before.step + 1,
    optimizerStep: before.optimizerStep + 1,
    since: { ...add(before.since), loss: before.since.loss + loss * trainedTokens },
    consumed: consume(before.consumed, planned),
  };
}

/** Loss and speed since the last report, and the progress from which the next report counts. */
export function takeReport(
  progress: Progress,
): readonly [Pick<StepEvent, 'loss' | 'tokens' | 'trainedTokens' | 'seconds' | 'tokensPerSecond'>, Progress] {
  const { loss, tokens, trainedTokens, seconds } = progress.since;
  const report = { loss: loss / trainedTokens, tokens, trainedTokens, seconds, tokensPerSecond: tokens / seconds };
  return [report, { ...progress, since: NOTHING }];
}
