import { dataError } from '../core/errors.js';
import { random } from '../core/random.js';
import { plannedStageCount, planStages, type ScoredRow } from '../curriculum/stage-plan.js';
import type { Order, PlannedStage, Stage, StagedSet } from '../curriculum/types.js';
import { type BatchPlan, type KnownSizes, planBatches, type TrainingBudget } from '../data/batch-plan.js';
import type { EncodedRow } from '../data/encoded.js';
import type { StageSummary } from './events.js';
import { type HoldoutPlan, planHoldout } from './holdout.js';
import { replaySharesFor, stageOptionsFor, type TrainingStageOptions, type TrainOptions } from './options.js';

/** One stage, with every step known. */
export interface StagePlan {
  /** From 1. */
  readonly stage: number;
  readonly options: TrainingStageOptions;
  readonly summary: StageSummary;
  readonly batches: BatchPlan;
  /** Its place in its learning rate schedule: steps before this stage, and steps of the whole schedule. */
  readonly schedule: { readonly before: number; readonly steps: number };
}

/** A whole run, known before it starts: pure data, made without TensorFlow. */
export interface RunPlan {
  readonly order: Order;
  readonly seed: number;
  readonly stages: readonly StagePlan[];
  /** All rows of the set that were encoded, held-out ones among them. */
  readonly rows: readonly EncodedRow[];
  /** Absent when no rows are held out. */
  readonly holdout?: HoldoutPlan;
}

/**
 * Plans a run over a staged set. `rows` are its encoded rows, held-out ones among them; a row that
 * encoding dropped is left out. Throws a data error for a stage without rows, and usage errors as
 * {@link stageOptionsFor} and {@link replaySharesFor}.
 */
export function planRun(
  set: StagedSet,
  rows: readonly EncodedRow[],
  options: TrainOptions,
  known?: KnownSizes,
): RunPlan {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const trainable = { stages: set.stages.map((stage) => trainableRows(stage, byId, set.stages.length)) };
  const stageOptions = stageOptionsFor(options, plannedStageCount(trainable, options.order));
  const planned = planStages(trainable, { ...options, replay: replaySharesFor(options, set.stages.length) });
  const trained = planned.map((stage) => stage.rows.reduce((n, { row }) => n + row.trained, 0));
  const total = trained.reduce((x, y) => x + y, 0);
  const held = set.holdout.flatMap(({ id, stage }) => {
    const row = byId.get(id);
    return row ? [{ row, stage: stage ?? 1 }] : [];
  });
  const { maxShapes } = options;
  const trainedShapes = maxShapes === undefined ? undefined : Math.max(1, maxShapes - (held.length > 0 ? 1 : 0));
  const batches = planBatches(
    planned.map((stage, i) => ({
      rows: stage.rows.map(({ row }) => row),
      seed: random(options.seed, 'batches', i + 1).integer(2 ** 31),
      budget: budgetOf(stageOptions[i]!, (options.budget ?? 0) * (trained[i]! / total)),
    })),
    // Shuffling would undo an order by score.
    { ...options, maxShapes: trainedShapes, shuffle: options.shuffle && options.within === 'shuffle' },
    known,
  );
  const schedules = schedulesOf(
    stageOptions,
    batches.map(({ steps }) => steps.length),
  );
  const stages = planned.map((stage, i) => ({
    stage: stage.index,
    options: stageOptions[i]!,
    summary: summarise(stage, batches[i]!),
    batches: batches[i]!,
    schedule: schedules[i]!,
  }));
  const holdout =
    held.length > 0
      ? { holdout: planHoldout(held, { ...options, passes: measurements(options.evalEvery, batches) }) }
      : {};
  return { order: options.order, seed: options.seed, stages, rows, ...holdout };
}

/** How often the held-out loss will be measured: before training, in every stage on the way, and at its end. */
export const measurements = (every: number, batches: readonly Pick<BatchPlan, 'steps'>[]): number =>
  batches.reduce((n, { steps }) => n + (every > 0 ? Math.ceil(steps.length / every) : 1), 1);

/** A row to train and the score that it is ordered by. */
type TrainableRow = ScoredRow & { readonly row: EncodedRow };

/** The stage's rows as they were encoded, without those that were dropped. */
function trainableRows(
  { index, rows }: Stage,
  encoded: ReadonlyMap<string, EncodedRow>,
  stages: number,
): Stage<TrainableRow> {
  const trainable = rows.flatMap(({ id, score }) => {
    const row = encoded.get(id);
    return row ? [{ row, score }] : [];
  });
  if (trainable.length > 0) return { index, rows: trainable };
  if (rows.length === 0)
    throw dataError(`stage ${index} of ${stages} has no rows to train on`, {
      stage: index,
      remedies: [{ task: 'stage', note: 'again, with fewer stages or other thresholds' }],
    });
  throw dataError(`stage ${index} of ${stages} has no rows left, all ${rows.length} are too long`, {
    stage: index,
    remedies: [{ option: 'maxLength', change: 'raise' }],
  });
}

function budgetOf({ length }: TrainingStageOptions, share: number): TrainingBudget {
  if (!length) return { share };
  return length.unit === 'epochs'
    ? { epochs: length.amount }
    : length.unit === 'steps'
      ? { steps: length.amount }
      : { tokens: length.amount };
}

/** A stage with a fresh schedule begins one; the stages after it that continue it belong to it and make it longer. */
function schedulesOf(options: readonly TrainingStageOptions[], steps: readonly number[]): StagePlan['schedule'][] {
  const begins = options.map(({ schedule }, i) => i === 0 || schedule === 'fresh');
  return steps.map((_, i) => {
    const first = begins.lastIndexOf(true, i);
    const next = begins.indexOf(true, i + 1);
    const sum = (from: number, to?: number) => steps.slice(from, to).reduce((x, y) => x + y, 0);
    return { before: sum(first, i), steps: sum(first, next < 0 ? undefined : next) };
  });
}

const summarise = (stage: PlannedStage<TrainableRow>, batches: BatchPlan): StageSummary => ({
  stage: stage.index,
  label: stage.label,
  rows: stage.rows.length,
  replayed: stage.replayed,
  steps: batches.steps.length,
  tokens: batches.tokens,
  trainedTokens: batches.trainedTokens,
  paddedTokens: batches.paddedTokens,
});
