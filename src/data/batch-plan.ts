import { PhasetuneError } from '../core/errors.js';
import { hashOf, sha256 } from '../core/hash.js';
import { chunk } from '../core/lists.js';
import { random } from '../core/random.js';
import type { BatchSize } from './batch-shapes.js';
import type { EncodedRow } from './encoded.js';
import { type BatchLayout, makeBatches, shapeBatches, type UnshapedBatch } from './make-batches.js';
import { type MicroBatch, rowsOf } from './micro-batch.js';
import type { BatchOptions } from './options.js';
import { chooseSizes, type SizeOptions } from './pack.js';

/** One optimizer step. */
export interface PlannedStep {
  readonly microBatches: readonly MicroBatch[];
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
  /**
   * Positions that the model computes: lines times their length. `1 - tokens / paddedTokens` is the
   * share of padding.
   */
  readonly paddedTokens: number;
  /** Hash over the ids of the rows and the shapes of all micro-batches, in order: equal plans train the same. */
  readonly hash: string;
}

/**
 * How long a stage trains, one of four. `epochs`: passes over the rows; 1.5 stops after half the
 * steps of the second, rounded up. `steps`: optimizer steps. `tokens`: trained tokens; the step
 * that reaches them is the last and is taken whole. `share`: its part of the trained tokens of all
 * stages; what the last step of one is over is taken from the parts of the next, so that all of
 * them are over by less than a step. A stage takes at least one step.
 */
export type TrainingBudget =
  | { readonly epochs: number }
  | { readonly steps: number }
  | { readonly tokens: number }
  | { readonly share: number };

/** Rows that are trained together, in the order to visit them without `shuffle`; the seed draws the orders. */
export interface PlanStage {
  readonly rows: readonly EncodedRow[];
  readonly seed: number;
  readonly budget: TrainingBudget;
}

/** Sizes of batches that were chosen for runs over rows of the same lengths: it takes a fifth of planning. */
export type KnownSizes = Map<string, readonly BatchSize[]>;

/** Batches whose rows may change places to fit better, unless the option `window` sets a number of rows. */
const WINDOW_BATCHES = { shuffled: 64, ordered: 16 };

/**
 * All steps of all stages of a run; no batch has rows of two stages. Within an epoch every row
 * comes exactly once; the last batch and the last step of an epoch may be smaller, and a step never
 * reaches over the end of an epoch. Without `shuffle` every epoch has the given order; with it,
 * each has its own order, drawn from the seed and the number of the epoch. Sizes and shapes of
 * batches are chosen for all stages together. Throws where there are no rows or no budget.
 *
 * @example
 * const tokenizer = await loadTokenizer('models/tiny-llama');
 * const records = await readRecords('rows.jsonl');
 * const { rows } = await encodeRows(records, tokenizer, encodeOptionsSchema.parse({}));
 * const stage = { rows, seed: 0, budget: { epochs: 1 } };
 * const [plan] = planBatches([stage], batchOptionsSchema.parse({ batchRows: 4 }));
 * console.log(plan!.steps.length, 1 - plan!.tokens / plan!.paddedTokens);
 */
export function planBatches(
  stages: readonly PlanStage[],
  options: BatchOptions,
  known: KnownSizes = new Map(),
): BatchPlan[] {
  for (const { rows, budget } of stages) {
    if (rows.length === 0) throw new PhasetuneError('data', 'a stage without rows cannot be planned');
    const [kind, amount] = Object.entries(budget)[0] as [string, number];
    if (!(amount > 0))
      throw new PhasetuneError('usage', `${kind}: expected a number above 0, found ${amount}`, { field: kind });
  }
  const layout = chooseLayout(stages, options, known);
  let over = 0;
  const unshaped = stages.map((stage) => {
    const { steps, rest } = stageSteps(stage, options, layout, over);
    over = rest;
    return steps;
  });
  const parts = unshaped.flat().flatMap((step) => step.parts);
  const shaped = shapeBatches(parts, options);
  const microBatchOf = new Map(parts.map((part, i) => [part, shaped[i]!]));
  return unshaped.map((steps) =>
    planOf(
      steps.map(({ parts, epoch }) =>
        plannedStep(
          parts.map((part) => microBatchOf.get(part)!),
          epoch,
        ),
      ),
    ),
  );
}

/** A step whose micro-batches have no shapes yet. */
interface UnshapedStep {
  readonly parts: readonly UnshapedBatch[];
  readonly epoch: number;
}

const trainedOf = (row: EncodedRow): number => row.trained;
const lengthOf = (row: EncodedRow): number => row.ids.length;
const sum = <T>(items: readonly T[], of: (item: T) => number): number => items.reduce((n, item) => n + of(item), 0);

/** Over all rows of batches, which are many: without lists of them in between. */
function sumRows(batches: readonly Pick<MicroBatch, 'lines'>[], of: (row: EncodedRow) => number): number {
  let total = 0;
  for (const { lines } of batches) for (const line of lines) for (const row of line) total += of(row);
  return total;
}

/** A batch of one row cannot be packed, and a batch is not made for more rows than any stage has. */
function chooseLayout(stages: readonly PlanStage[], options: BatchOptions, known: KnownSizes): BatchLayout {
  const { batching, padTo, packLength, maxShapes } = options;
  const batchRows = Math.min(options.batchRows, Math.max(...stages.map(({ rows }) => rows.length)));
  if (batching !== 'packed' || batchRows === 1)
    return { kind: batching === 'packed' ? 'bucketed' : batching, batchRows, padTo };
  const lengths = stages.map(({ rows }) => rows.map(lengthOf));
  const passes = sum(stages, (stage) => passesOf(stage, options) * stage.rows.length) / lengths.flat().length;
  const given = { batchRows, padTo, packLength, maxShapes, passes };
  const key = sizesKey(lengths, given);
  const sizes = known.get(key) ?? chooseSizes(lengths, given);
  known.set(key, sizes);
  return { kind: 'packed', sizes };
}

/** The order of the rows in a stage makes no difference. */
const sizesKey = (lengths: readonly (readonly number[])[], options: SizeOptions): string =>
  sha256(JSON.stringify([lengths.map((ofStage) => Int32Array.from(ofStage).sort().join()), options]));

/** About how often a stage's rows are visited. */
function passesOf({ rows, budget }: PlanStage, { batchRows, accumulate }: BatchOptions): number {
  if ('epochs' in budget) return budget.epochs;
  return 'steps' in budget
    ? (budget.steps * batchRows * accumulate) / rows.length
    : tokensOf(budget)! / sum(rows, trainedOf);
}

/** Trained tokens of a budget that counts them. */
const tokensOf = (budget: TrainingBudget): number | undefined =>
  'tokens' in budget ? budget.tokens : 'share' in budget ? budget.share : undefined;

/** Shares of a whole number need not add up to it exactly. */
const ROUNDING = 1e-6;

/** `over` is what the stages before are over their shares, `rest` the same after this one. */
function stageSteps(
  stage: PlanStage,
  options: BatchOptions,
  layout: BatchLayout,
  over: number,
): { steps: UnshapedStep[]; rest: number } {
  const { budget } = stage;
  const steps: UnshapedStep[] = [];
  let trained = 0;
  const tokens = 'share' in budget ? budget.share - over - ROUNDING : tokensOf(budget);
  const done = () =>
    ('steps' in budget && steps.length >= budget.steps) ||
    (tokens !== undefined && steps.length > 0 && trained >= tokens);
  for (let epoch = 0; !done() && !('epochs' in budget && epoch >= budget.epochs); epoch++) {
    const groups = chunk(epochBatches(stage, options, layout, epoch), options.accumulate);
    const share = 'epochs' in budget ? Math.min(1, budget.epochs - epoch) : 1;
    for (const batches of groups.slice(0, Math.ceil(share * groups.length - 1e-9))) {
      steps.push({ parts: batches.flatMap((batch) => splitBatch(batch, options.microBatches)), epoch });
      trained += sumRows(batches, trainedOf);
      if (done()) break;
    }
  }
  return { steps, rest: 'share' in budget ? over + trained - budget.share : over };
}

/** A batch in so many parts of equally many lines, or fewer parts where it has fewer lines. */
function splitBatch({ lines, size }: UnshapedBatch, parts: number): UnshapedBatch[] {
  const linesOfPart = Math.ceil(size.lines / parts);
  return chunk(lines, linesOfPart)
    .filter((part) => part.flat().length > 0)
    .map((part) => ({ lines: part, size: { ...size, lines: linesOfPart } }));
}

function epochBatches(
  { rows, seed }: PlanStage,
  options: BatchOptions,
  layout: BatchLayout,
  epoch: number,
): UnshapedBatch[] {
  const { batchRows, shuffle } = options;
  const window = options.window ?? batchRows * WINDOW_BATCHES[shuffle ? 'shuffled' : 'ordered'];
  if (!shuffle) return makeBatches(rows, layout, window);
  const rng = random(seed, 'epoch', epoch);
  return makeBatches(rng.shuffle(rows), layout, window, rng);
}

function plannedStep(microBatches: readonly MicroBatch[], epoch: number): PlannedStep {
  return {
    microBatches,
    trainedTokens: sumRows(microBatches, trainedOf),
    tokens: sumRows(microBatches, lengthOf),
    epoch,
  };
}

function planOf(steps: readonly PlannedStep[]): BatchPlan {
  let hash: string | undefined;
  return {
    steps,
    trainedTokens: sum(steps, ({ trainedTokens }) => trainedTokens),
    tokens: sum(steps, ({ tokens }) => tokens),
    paddedTokens: sum(steps, (step) => sum(step.microBatches, ({ shape }) => shape.lines * shape.length)),
    // Worked out where it is read: a plan that is only counted has no use for it.
    get hash() {
      hash ??= hashOf(steps.map((step) => step.microBatches.map(withIds)));
      return hash;
    },
  };
}

const withIds = ({ lines, shape }: MicroBatch) => ({ lines: lines.map((line) => line.map(({ id }) => id)), shape });

/** Ids of a micro-batch's rows, line after line. */
export const rowIdsOf = (batch: MicroBatch): string[] => rowsOf(batch).map(({ id }) => id);
