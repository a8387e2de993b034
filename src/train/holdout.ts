import type { EncodedRow } from '../data/encoded.js';
import type { EvalProgressEvent } from './events.js';
import type { Band, LossRow } from './forgetting.js';
import type { MicroBatch, Tuner } from './tuner.js';

/** A held-out row and the stage of the staged set whose difficulty it has. */
export interface HoldoutRow {
  readonly row: EncodedRow;
  readonly stage: number;
}

/** Held-out rows in batches of like length, known before training. */
export interface HoldoutPlan {
  readonly bands: readonly Band[];
  readonly batches: readonly MicroBatch[];
  /** For every batch, the index into `bands` of each row. */
  readonly bandOf: readonly (readonly number[])[];
}

/** Mean held-out loss of each band and of all, in nats a trained token. */
export type HeldOutLoss = Omit<LossRow, 'after'>;

/** Batches of `evalRows` rows sorted by length, longest first (what does not fit in memory fails at once), padded to a multiple of `padTo`. */
export function planHoldout(rows: readonly HoldoutRow[], options: { evalRows: number; padTo: number }): HoldoutPlan {
  const stages = [...new Set(rows.map(({ stage }) => stage))].sort((x, y) => x - y);
  const bands = stages.map((stage) => {
    const own = rows.filter((row) => row.stage === stage);
    return { stage, rows: own.length, tokens: own.reduce((n, { row }) => n + row.trained, 0) };
  });
  const sorted = rows.toSorted((x, y) => y.row.ids.length - x.row.ids.length);
  const groups = Array.from({ length: Math.ceil(sorted.length / options.evalRows) }, (_, i) =>
    sorted.slice(i * options.evalRows, (i + 1) * options.evalRows),
  );
  return {
    bands,
    batches: groups.map((group) => ({
      rows: group.map(({ row }) => row),
      length: Math.ceil(group[0]!.row.ids.length / options.padTo) * options.padTo,
    })),
    bandOf: groups.map((group) => group.map(({ stage }) => stages.indexOf(stage))),
  };
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
