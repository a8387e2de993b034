import { type Arranged, arrange } from '../data/arrange.js';
import { fitShapes } from '../data/batch-shapes.js';
import type { EncodedRow } from '../data/encoded.js';
import type { BatchOptions } from '../data/options.js';
import { chooseForms } from '../data/pack.js';
import type { EvalProgressEvent } from './events.js';
import type { Band, LossRow } from './forgetting.js';
import type { MicroBatch, Tuner } from './tuner.js';

/** A held-out row and the stage of the staged set whose difficulty it has. */
export interface HoldoutRow {
  readonly row: EncodedRow;
  readonly stage: number;
}

/** Held-out rows in batches, known before training. */
export interface HoldoutPlan {
  readonly bands: readonly Band[];
  readonly batches: readonly MicroBatch[];
  /** For every batch, the index into `bands` of each row, line after line. */
  readonly bandOf: readonly (readonly number[])[];
}

/** Mean held-out loss of each band and of all, in nats a trained token. */
export type HeldOutLoss = Omit<LossRow, 'after'>;

/** What {@link planHoldout} goes by; `passes` is how often the rows will be measured. */
export interface HoldoutOptions extends Pick<BatchOptions, 'batching' | 'padTo' | 'packLength'> {
  readonly evalRows: number;
  readonly passes: number;
}

/** Work of a measurement as a share of that of a training step over the same rows: there are no gradients. */
const FORWARD = 1 / 3;

/**
 * Batches of `evalRows` rows, packed or of like length, the longest lines first: what does not fit in memory fails at once.
 * The order of the rows does not matter, so it is left to what fits best.
 */
export function planHoldout(rows: readonly HoldoutRow[], options: HoldoutOptions): HoldoutPlan {
  const stages = [...new Set(rows.map(({ stage }) => stage))].sort((x, y) => x - y);
  const bands = stages.map((stage) => {
    const own = rows.filter((row) => row.stage === stage);
    return { stage, rows: own.length, tokens: own.reduce((n, { row }) => n + row.trained, 0) };
  });
  const batches = arrangeHoldout(
    rows.map(({ row }) => row),
    options,
  );
  const needs = batches.map(({ lines, form }) => ({
    ...form,
    trained: lines.flat().reduce((n, r) => n + r.trained, 0),
  }));
  const shapes = fitShapes(needs, options.padTo);
  const bandOf = new Map(rows.map(({ row, stage }) => [row, stages.indexOf(stage)]));
  return {
    bands,
    batches: batches.map(({ lines }, i) => ({ lines, shape: shapes[i]! })),
    bandOf: batches.map(({ lines }) => lines.flat().map((row) => bandOf.get(row)!)),
  };
}

function arrangeHoldout(rows: readonly EncodedRow[], options: HoldoutOptions): Arranged[] {
  const { batching, padTo, packLength } = options;
  const batchRows = Math.min(options.evalRows, rows.length);
  const how = () => {
    if (batching !== 'packed' || batchRows === 1) return { kind: 'padded', batchRows, padTo } as const;
    const lengths = rows.map(({ ids }) => ids.length);
    const passes = options.passes * FORWARD;
    return { kind: 'packed', forms: chooseForms([lengths], { batchRows, padTo, packLength, passes }) } as const;
  };
  const longestFirst = rows.toSorted((x, y) => y.ids.length - x.ids.length);
  return arrange(longestFirst, how(), rows.length, undefined).sort((x, y) => y.form.length - x.form.length);
}

/**
 * Measures the held-out loss: of each band the sum over its rows' trained tokens divided by their number. Yields how far
 * it is. Undefined when the signal was aborted on the way.
 */
export async function* evaluateHoldout(
  tuner: Tuner,
  plan: HoldoutPlan,
  signal?: AbortSignal,
): AsyncGenerator<EvalProgressEvent, HeldOutLoss | undefined> {
  const sums = plan.bands.map(() => 0);
  for (const [i, batch] of plan.batches.entries()) {
    if (signal?.aborted) return undefined;
    const losses = await tuner.evaluate(batch);
    plan.bandOf[i]!.forEach((band, row) => {
      sums[band] = sums[band]! + losses[row]!;
    });
    yield { type: 'eval-progress', done: i + 1, of: plan.batches.length };
  }
  const tokens = plan.bands.reduce((n, band) => n + band.tokens, 0);
  return {
    losses: plan.bands.map((band, i) => sums[i]! / band.tokens),
    all: sums.reduce((x, y) => x + y, 0) / tokens,
  };
}
