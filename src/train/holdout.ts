import type { EncodedRow } from '../data/encoded.js';
import { forwardBatches } from '../data/forward-batches.js';
import type { MicroBatch } from '../data/micro-batch.js';
import type { BatchOptions } from '../data/options.js';
import type { EvalProgressEvent } from './events.js';
import type { Band } from './forgetting.js';
import type { HeldOutRow } from './held-out-losses.js';
import type { Tuner } from './tuner.js';

/** A held-out row and the stage of the staged set whose difficulty it has. */
export interface HoldoutRow {
  readonly row: EncodedRow;
  readonly stage: number;
}

/** Held-out rows in micro-batches, known before training. */
export interface HoldoutPlan {
  readonly bands: readonly Band[];
  /** All rows, in the order of the hold-out. */
  readonly rows: readonly Omit<HeldOutRow, 'nats'>[];
  readonly batches: readonly MicroBatch[];
  /** For every micro-batch, the index into `bands` of each row, line after line. */
  readonly bandOf: readonly (readonly number[])[];
  /** For every micro-batch, the index into `rows` of each row. */
  readonly placeOf: readonly (readonly number[])[];
}

/** Mean held-out loss of each band and of all, in nats a trained token. */
export interface HeldOutLoss {
  /** One number per band. */
  readonly losses: readonly number[];
  readonly all: number;
}

/** A held-out loss and those of its rows. */
export interface HeldOutLosses extends HeldOutLoss {
  readonly rows: readonly HeldOutRow[];
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
  const places = new Map(rows.map(({ row }, place) => [row, place]));
  const placeOf = batches.map(({ lines }) => lines.flat().map((row) => places.get(row)!));
  return {
    bands,
    rows: rows.map(({ row, stage }) => ({ id: row.id, band: stage, tokens: row.trained })),
    batches,
    bandOf: placeOf.map((inBatch) => inBatch.map((place) => stages.indexOf(rows[place]!.stage))),
    placeOf,
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
): AsyncGenerator<EvalProgressEvent, HeldOutLosses | undefined> {
  const sums = plan.bands.map(() => 0);
  const nats = new Float64Array(plan.rows.length);
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
      nats[plan.placeOf[i]![row]!] = losses[row]!;
    });
    yield { type: 'eval-progress', done: i + 1, of: plan.batches.length };
  }
  const tokens = plan.bands.reduce((n, band) => n + band.tokens, 0);
  return {
    losses: plan.bands.map((band, i) => sums[i]! / band.tokens),
    all: sums.reduce((x, y) => x + y, 0) / tokens,
    rows: plan.rows.map(({ id, band, tokens }, place) => ({ id, band, nats: nats[place]!, tokens })),
  };
}
