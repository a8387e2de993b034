import { float32, type HostTensor, int32 } from '../core/host-tensor.js';
import type { MicroBatch } from './tuner.js';

/** Trained positions are padded to a multiple of this, so that few shapes occur. */
const POSITION_STEP = 32;

/** A micro-batch as the loss's entries take it; M counts trained positions, padded ones with weight 0 among them. */
export interface LossFeeds extends Record<string, HostTensor> {
  /** Token ids [B, T]; padding is token 0, which nothing trained can see. */
  readonly ids: HostTensor;
  /** Where a trained token is predicted: flat index into [B * T], [M]. */
  readonly sources: HostTensor;
  /** The token to predict there, [M]. */
  readonly labels: HostTensor;
  /** Weight of its cross-entropy in the loss, [M]. */
  readonly weights: HostTensor;
}

/** Feeds of a micro-batch whose every trained token weighs `weight` in the loss. */
export function lossFeeds(batch: MicroBatch, weight: number): LossFeeds {
  const { rows, length } = batch;
  const trained = rows.reduce((n, row) => n + row.trained, 0);
  const m = Math.max(1, Math.ceil(trained / POSITION_STEP)) * POSITION_STEP;
  const ids = new Int32Array(rows.length * length);
  const sources = new Int32Array(m);
  const labels = new Int32Array(m);
  const weights = new Float32Array(m);
  let next = 0;
  rows.forEach((row, b) => {
    if (row.ids.length > length)
      throw new RangeError(`row ${row.id} has ${row.ids.length} tokens, but the batch is ${length} long`);
    ids.set(row.ids, b * length);
    for (let t = 1; t < row.ids.length; t++) {
      if (!row.mask[t]) continue;
      sources[next] = b * length + t - 1;
      labels[next] = row.ids[t]!;
      weights[next++] = weight;
    }
  });
  return {
    ids: int32([rows.length, length], ids),
    sources: int32([m], sources),
    labels: int32([m], labels),
    weights: float32([m], weights),
  };
}

/** Adds up `losses` [M] of the entry `evalLoss` by row: the sum over each row's trained tokens. */
export function lossesByRow(batch: MicroBatch, losses: HostTensor): Float32Array {
  const sums = new Float32Array(batch.rows.length);
  let next = 0;
  batch.rows.forEach((row, b) => {
    for (let i = 0; i < row.trained; i++) sums[b] = sums[b]! + losses.data[next++]!;
  });
  return sums;
}
