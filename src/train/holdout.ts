import type { EncodedRow } from '../data/encoded.js';
import { forwardBatches } from '../data/forward-batches.js';
import type { MicroBatch } from '../data/micro-batch.js';
import type { BatchOptions } from '../data/options.js';
import type { EvalProgressEvent } from './events.js';
import type { Band } from './forgetting.js';
import type { Tuner } from './tuner.js';

/** A held-out row and the stage of the staged set whose difficulty it has. */
export interface HoldoutRow {
  readonly row: EncodedRow;
  readonly stage: number;
}

/** Held-out rows in micro-batches, known before training. */
export interface HoldoutPlan {
  readonly bands: readonly Band[];
  readonly batches: readonly MicroBatch[];
  /** For every micro-batch, the index into `bands` of each row, line after line. */
  readonly bandOf: readonly (readonly number[])[];
}

/** Mean held-out loss of each band and of all, in nats a trained token. */
export interface HeldOutLoss {
  /** One number per band. */
  readonly losses: readonly number[];
  readonly all: number;
}

/** Options of {@link planHoldout}; `passes` is how often the rows will be measured. */
export interface HoldoutOptions extends Pick<BatchOptions, 'batching' | 'padTo' | 'packLength' | 'maxShapes'> {
  readonly evalRows: number;
  readonly passes: number;
}

/**
 * Batches of `evalRows` rows, see {@link forwardBatches}; of a single shape where `maxShapes`
 * limits those of a run.
 */
export function planHoldout(rows: readonly HoldoutRow[], options: HoldoutOptions): HoldoutPlan {
  const stages = [...new Set(rows.map(({ stage }) => stage))].sort((x, y) => x - y);
  const bands = stages.map((stage) => {
    const inBand = rows.filter((row) => row.stage === stage);
    return { stage, rows: inBand.length, tokens: inBand.reduce((n, { row }) => n + row.trained, 0) };
  });
  const { evalRows: batchRows, batching, padTo, packLength, passes } = options;
  const maxShapes = options.maxShapes === undefined ? undefined : 1;
  const batches = forwardBatches(
    rows.map(({ row }) => row),
    { batchRows, batching, padTo, packLength, maxShapes, passes },
  );
  const bandOf = new Map(rows.map(({ row, stage }) => [row, stages.indexOf(stage)]));
  return {
    bands,
    batches,
    bandOf: batches.map(({ lines }) => lines.flat().map((row) => bandOf.get(row)!)),
  };
}

/** A promise that is awaited later: until then, its failure is nobody's. */
function inTime<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/**
 * Measures the held-out loss: of each band the sum over its rows' trained tokens divided by their number. Yields
 * its progress. Undefined when the signal was aborted meanwhile.
 */
export async function* evaluateHoldout(
  tuner: Tuner,
  plan: HoldoutPlan,
  signal?: AbortSignal,
): AsyncGenerator<EvalProgressEvent, HeldOutLoss | undefined> {
  const sums = plan.bands.map(() => 0);
  const ahead: Promise<Float32Array>[] = [];
  let next = 0;
  for (let i = 0; i < plan.batches.length; i++) {
    if (signal?.aborted) {
      await Promise.all(ahead);
      return undefined;
    }
    for (; next < plan.batches.length && ahead.length < (tuner.parallel ?? 1); next++)
      ahead.push(inTime(tuner.evaluate(plan.batches[next]!)));
    const losses = await ahead.shift()!;
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
