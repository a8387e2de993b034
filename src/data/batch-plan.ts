import { PhasetuneError } from '../core/errors.js';
import { hashOf } from '../core/hash.js';
import { random } from '../core/random.js';
import type { EncodedRow } from './encoded.js';
import type { BatchOptions } from './options.js';

/** Rows by id that go through the model together, padded to `length` tokens. */
export interface PlannedBatch {
  readonly rowIds: readonly string[];
  readonly length: number;
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
  /** Positions that the model computes: rows times padded length. `1 - tokens / paddedTokens` is the share of padding. */
  readonly paddedTokens: number;
  /** Hash over rows and lengths of all batches in their order: equal plans train the same. */
  readonly hash: string;
}

/**
 * How long a stage trains, one of three. `epochs`: passes over the rows; 1.5 stops after half the steps of the second, rounded
 * up. `steps`: optimizer steps. `tokens`: trained tokens; the step that reaches them is the last and is taken whole.
 */
export type Budget = { readonly epochs: number } | { readonly steps: number } | { readonly tokens: number };

/** Options of {@link planSteps}; `seed` draws the orders. */
export interface PlanOptions extends BatchOptions {
  readonly seed: number;
  readonly budget: Budget;
}

/** Batches sorted by length at a time under `groupByLength`; more of them mean less padding and less randomness. */
const GROUP_BATCHES = 16;

/**
 * All steps of a stage. Within an epoch every row comes exactly once; the last batch and the last step of an epoch may be
 * smaller, and a step never reaches over the end of an epoch. Without `shuffle` every epoch has the given order; with it, each has an
 * order of its own, drawn from the seed and the number of the epoch. Throws where there are no rows or no budget.
 */
export function planSteps(rows: readonly EncodedRow[], options: PlanOptions): BatchPlan {
  if (rows.length === 0) throw new PhasetuneError('data', 'a stage without rows cannot be planned');
  const perEpoch = Math.ceil(Math.ceil(rows.length / options.batchRows) / options.accumulate);
  const enough = budgetTest(options.budget, perEpoch);
  const steps: PlannedStep[] = [];
  let trainedTokens = 0;
  for (let epoch = 0; !enough(steps.length, trainedTokens); epoch++) {
    for (const step of epochSteps(rows, options, epoch)) {
      steps.push(step);
      trainedTokens += step.trainedTokens;
      if (enough(steps.length, trainedTokens)) break;
    }
  }
  const batches = steps.flatMap((step) => step.microBatches);
  return {
    steps,
    trainedTokens,
    tokens: steps.reduce((n, step) => n + step.tokens, 0),
    paddedTokens: batches.reduce((n, batch) => n + batch.rowIds.length * batch.length, 0),
    hash: hashOf(steps.map((step) => step.microBatches)),
  };
}

/** Says when steps and trained tokens so far fill the budget. */
function budgetTest(budget: Budget, perEpoch: number): (steps: number, trainedTokens: number) => boolean {
  const [kind, amount] = Object.entries(budget)[0] as [string, number];
  if (!(amount > 0))
    throw new PhasetuneError('usage', `${kind}: expected a number above 0, found ${amount}`, { field: kind });
  if ('tokens' in budget) return (_, trained) => trained >= budget.tokens;
  const wanted = 'steps' in budget ? budget.steps : Math.ceil(budget.epochs * perEpoch - 1e-9);
  return (steps) => steps >= wanted;
}

function epochSteps(rows: readonly EncodedRow[], options: PlanOptions, epoch: number): PlannedStep[] {
  const batches = epochBatches(rows, options, epoch);
  return chunk(batches, options.accumulate).map((group) => {
    const all = group.flat();
    return {
      microBatches: group.map((batch) => ({
        rowIds: batch.map((row) => row.id),
        length: Math.ceil(Math.max(...batch.map((row) => row.ids.length)) / options.padTo) * options.padTo,
      })),
      trainedTokens: all.reduce((n, row) => n + row.trained, 0),
      tokens: all.reduce((n, row) => n + row.ids.length, 0),
      epoch,
    };
  });
}

/**
 * The batches of one epoch. Grouping by length sorts a window of shuffled rows (so that which rows meet still changes from epoch to
 * epoch), cuts it into batches and shuffles these; the one smaller batch, if any, stays last.
 */
function epochBatches(rows: readonly EncodedRow[], options: PlanOptions, epoch: number): EncodedRow[][] {
  const { batchRows, shuffle, groupByLength } = options;
  if (!shuffle) return chunk(rows, batchRows);
  const rng = random(options.seed, 'epoch', epoch);
  const shuffled = rng.shuffle(rows);
  if (!groupByLength) return chunk(shuffled, batchRows);
  const whole = shuffled.length - (shuffled.length % batchRows);
  const windows = chunk(shuffled.slice(0, whole), batchRows * GROUP_BATCHES);
  const batches = windows.flatMap((window) =>
    chunk(
      window.toSorted((x, y) => x.ids.length - y.ids.length),
      batchRows,
    ),
  );
  return [...rng.shuffle(batches), ...chunk(shuffled.slice(whole), batchRows)];
}

const chunk = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
