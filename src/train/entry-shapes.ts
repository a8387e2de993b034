import type { PlannedStep } from '../data/batch-plan.js';
import type { BatchShape } from '../data/batch-shapes.js';
import type { InputShapes } from '../program/compile-options.js';
import { lossFeedShapes } from './loss-feeds.js';
import type { RunPlan } from './run-plan.js';

/** The shapes of the micro-batches that each of a run's entries sees, each once, in the order of their first use. */
export interface EntryBatches {
  /** Where every step is one micro-batch. */
  readonly trainStep: readonly BatchShape[];
  /** Where steps have several micro-batches, including a single one that is left over at the end of an epoch. */
  readonly accumulate: readonly BatchShape[];
  /** Held-out rows. */
  readonly evalLoss: readonly BatchShape[];
}

/** What of a step decides the shapes of the inputs. */
type ShapedStep = { readonly microBatches: readonly Pick<PlannedStep['microBatches'][number], 'shape'>[] };

/** Which shapes a run's entries will see: everything that has to be compiled before the first step. */
export function entryBatches(plan: {
  readonly stages: readonly { readonly batches: { readonly steps: readonly ShapedStep[] } }[];
  readonly holdout?: Pick<NonNullable<RunPlan['holdout']>, 'batches'>;
}): EntryBatches {
  const steps = plan.stages.flatMap(({ batches }) => batches.steps);
  const shapes = distinctShapes(steps.flatMap(({ microBatches }) => microBatches));
  const several = steps.some(({ microBatches }) => microBatches.length > 1);
  const evalLoss = distinctShapes(plan.holdout?.batches ?? []);
  return several ? { trainStep: [], accumulate: shapes, evalLoss } : { trainStep: shapes, accumulate: [], evalLoss };
}

const distinctShapes = (batches: readonly { readonly shape: BatchShape }[]): BatchShape[] => [
  ...new Map(batches.map(({ shape }) => [JSON.stringify(shape), shape])).values(),
];

/**
 * The same as shapes of all inputs, for `compile`: of every entry of `trainSpec` whose inputs vary
 * from call to call.
 */
export function inputShapes({ trainStep, accumulate, evalLoss }: EntryBatches): Record<string, InputShapes[]> {
  const hyper = { learningRate: [], step: [], lossLimit: [] };
  return {
    trainStep: trainStep.map((shape) => ({ ...lossFeedShapes(shape), seed: [], ...hyper })),
    accumulate: accumulate.map((shape) => ({ ...lossFeedShapes(shape), seed: [] })),
    evalLoss: evalLoss.map((shape) => lossFeedShapes(shape)),
  };
}
