import { PhasetuneError } from '../core/errors.js';
import { hashOf } from '../core/hash.js';
import { chunk } from '../core/lists.js';
import { random } from '../core/random.js';
import { type Arranged, type Arrangement, arrange } from './arrange.js';
import { type BatchShape, fitShapes } from './batch-shapes.js';
import type { EncodedRow } from './encoded.js';
import type { BatchOptions } from './options.js';
import { chooseForms } from './pack.js';

/** Rows that go through the model together. */
export interface PlannedBatch {
  /** Ids of the rows of each line, one behind another; lines that `shape` has beyond these are empty. */
  readonly lines: readonly (readonly string[])[];
  readonly shape: BatchShape;
}

/** One optimizer step. */
export interface PlannedStep {
  readonly microBatches: readonly PlannedBatch[];
  /** Trained tokens of all its rows: what its loss is divided by. */
  readonly trainedTokens: number;
  /** Tokens of all its rows, padding not counted. */
  readonly tokens: number;
  /** From 0: which pass over the rows. */
  readonly epoch: number;
}

/** Every step of a stage, known before the first. */
export interface BatchPlan {
  readonly steps: readonly PlannedStep[];
  readonly trainedTokens: number;
  readonly tokens: number;
  /** Positions that the model computes: lines times their length. `1 - tokens / paddedTokens` is the share of padding. */
  readonly paddedTokens: number;
  /** Hash over rows and shapes of all batches in their order: equal plans train the same. */
  readonly hash: string;
}

/**
 * How long a stage trains, one of three. `epochs`: passes over the rows; 1.5 stops after half the steps of the second, rounded
 * up. `steps`: optimizer steps. `tokens`: trained tokens; the step that reaches them is the last and is taken whole.
 */
export type Budget = { readonly epochs: number } | { readonly steps: number } | { readonly tokens: number };

/** Rows that are trained together, in the order to visit them without `shuffle`; the seed draws the orders. */
export interface PlanStage {
  readonly rows: readonly EncodedRow[];
  readonly seed: number;
  readonly budget: Budget;
}

/** Batches whose rows may change places to fit better, unless the option `window` says how many rows. */
const WINDOW_BATCHES = { shuffled: 64, ordered: 16 };

/**
 * All steps of all stages of a run; no batch has rows of two stages. Within an epoch every row comes exactly once; the last
 * batch and the last step of an epoch may be smaller, and a step never reaches over the end of an epoch. Without `shuffle` every
 * epoch has the given order; with it, each has an order of its own, drawn from the seed and the number of the epoch.
 * Lengths of lines and shapes are chosen for all stages together. Throws where there are no rows or no budget.
 */
export function planBatches(stages: readonly PlanStage[], options: BatchOptions): BatchPlan[] {
  for (const { rows, budget } of stages) {
    if (rows.length === 0) throw new PhasetuneError('data', 'a stage without rows cannot be planned');
    const [kind, amount] = Object.entries(budget)[0] as [string, number];
    if (!(amount > 0))
      throw new PhasetuneError('usage', `${kind}: expected a number above 0, found ${amount}`, { field: kind });
  }
  const how = arrangementOf(stages, options);
  const planned = stages.map((stage) => stageSteps(stage, options, how));
  const batches = planned.flat().flatMap((step) => step.batches);
  const shapes = fitShapes(
    batches.map(({ lines, form }) => ({ ...form, trained: sum(lines.flat(), trainedOf) })),
    options.padTo,
  );
  const shapeOf = new Map(batches.map((batch, i) => [batch, shapes[i]!]));
  return planned.map((steps) => planOf(steps, shapeOf));
}

/** A step before the shapes of its batches are known. */
interface LooseStep {
  readonly batches: readonly Arranged[];
  readonly epoch: number;
}

const trainedOf = (row: EncodedRow): number => row.trained;
const lengthOf = (row: EncodedRow): number => row.ids.length;
const sum = <T>(items: readonly T[], of: (item: T) => number): number => items.reduce((n, item) => n + of(item), 0);

/** A batch of one row cannot be packed, and a batch is not made for more rows than any stage has. */
function arrangementOf(stages: readonly PlanStage[], options: BatchOptions): Arrangement {
  const { batching, padTo, packLength } = options;
  const batchRows = Math.min(options.batchRows, Math.max(...stages.map(({ rows }) => rows.length)));
  if (batching !== 'packed' || batchRows === 1)
    return { kind: batching === 'packed' ? 'bucketed' : batching, batchRows, padTo };
  const lengths = stages.map(({ rows }) => rows.map(lengthOf));
  const passes = sum(stages, (stage) => passesOf(stage, options) * stage.rows.length) / lengths.flat().length;
  return { kind: 'packed', forms: chooseForms(lengths, { batchRows, padTo, packLength, passes }) };
}

/** About how often a stage's rows are visited. */
function passesOf({ rows, budget }: PlanStage, { batchRows, accumulate }: BatchOptions): number {
  if ('epochs' in budget) return budget.epochs;
  return 'steps' in budget
    ? (budget.steps * batchRows * accumulate) / rows.length
    : budget.tokens / sum(rows, trainedOf);
}

function stageSteps(stage: PlanStage, options: BatchOptions, how: Arrangement): LooseStep[] {
  const { budget } = stage;
  const steps: LooseStep[] = [];
  let trained = 0;
  const full = () =>
    ('steps' in budget && steps.length >= budget.steps) || ('tokens' in budget && trained >= budget.tokens);
  for (let epoch = 0; !full() && !('epochs' in budget && epoch >= budget.epochs); epoch++) {
    const groups = chunk(epochBatches(stage, options, how, epoch), options.accumulate);
    const share = 'epochs' in budget ? Math.min(1, budget.epochs - epoch) : 1;
    for (const batches of groups.slice(0, Math.ceil(share * groups.length - 1e-9))) {
      steps.push({ batches: batches.flatMap((batch) => inParts(batch, options.microBatches)), epoch });
      trained += sum(batches, ({ lines }) => sum(lines.flat(), trainedOf));
      if (full()) break;
    }
  }
  return steps;
}

/** A batch in so many parts of equally many lines, or fewer parts where it has fewer lines. */
function inParts({ lines, form }: Arranged, parts: number): Arranged[] {
  const each = Math.ceil(form.lines / parts);
  return chunk(lines, each)
    .filter((own) => own.flat().length > 0)
    .map((own) => ({ lines: own, form: { ...form, lines: each } }));
}

function epochBatches({ rows, seed }: PlanStage, options: BatchOptions, how: Arrangement, epoch: number): Arranged[] {
  const { batchRows, shuffle } = options;
  const window = options.window ?? batchRows * WINDOW_BATCHES[shuffle ? 'shuffled' : 'ordered'];
  if (!shuffle) return arrange(rows, how, window, undefined);
  const rng = random(seed, 'epoch', epoch);
  return arrange(rng.shuffle(rows), how, window, rng);
}

function planOf(loose: readonly LooseStep[], shapeOf: ReadonlyMap<Arranged, BatchShape>): BatchPlan {
  const steps = loose.map(({ batches, epoch }): PlannedStep => {
    const rows = batches.flatMap(({ lines }) => lines.flat());
    const microBatches = batches.map((batch) => ({
      lines: batch.lines.map((line) => line.map(({ id }) => id)),
      shape: shapeOf.get(batch)!,
    }));
    return { microBatches, trainedTokens: sum(rows, trainedOf), tokens: sum(rows, lengthOf), epoch };
  });
  return {
    steps,
    trainedTokens: sum(steps, ({ trainedTokens }) => trainedTokens),
    tokens: sum(steps, ({ tokens }) => tokens),
    paddedTokens: sum(steps, (step) => sum(step.microBatches, ({ shape }) => shape.lines * shape.length)),
    hash: hashOf(steps.map((step) => step.microBatches)),
  };
}

/** Ids of a batch's rows, line after line. */
export const rowIdsOf = ({ lines }: PlannedBatch): string[] => lines.flat();
