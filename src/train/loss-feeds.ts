import { float32, type HostTensor, int32 } from '../core/host-tensor.js';
import type { BatchShape } from '../data/batch-shapes.js';
import type { MicroBatch } from '../data/micro-batch.js';

/** A micro-batch as the loss's entries take it. */
export interface LossFeeds extends Record<string, HostTensor> {
  /** Token ids [B, T]; padding is token 0, which nothing trained can see. */
  readonly ids: HostTensor;
  /** Position of each token in its own row [B, T]; 0 throughout the padding. */
  readonly positions: HostTensor;
  /** Where a trained token is predicted: flat index into [B * T], [M]. */
  readonly sources: HostTensor;
  /** The token to predict there, [M]. */
  readonly labels: HostTensor;
  /** Weight of its cross-entropy in the loss, [M]; 0 after the last trained token. */
  readonly weights: HostTensor;
}

/** Shape of each of the {@link LossFeeds} of a micro-batch. */
export const lossFeedShapes = ({
  lines,
  length,
  targets,
}: BatchShape): Readonly<Record<string, readonly number[]>> => ({
  ids: [lines, length],
  positions: [lines, length],
  sources: [targets],
  labels: [targets],
  weights: [targets],
});

/**
 * Feeds of a micro-batch in whose loss every trained token weighs `weight`. Throws a RangeError
 * when it exceeds its shape.
 */
export function lossFeeds({ lines, shape }: MicroBatch, weight: number): LossFeeds {
  const { length, targets } = shape;
  checkFits({ lines, shape });
  const ids = new Int32Array(shape.lines * length);
  const positions = new Int32Array(shape.lines * length);
  const sources = new Int32Array(targets);
  const labels = new Int32Array(targets);
  const weights = new Float32Array(targets);
  let next = 0;
  for (const [b, line] of lines.entries()) {
    let start = b * length;
    for (const row of line) {
      ids.set(row.ids, start);
      for (let t = 1; t < row.ids.length; t++) {
        positions[start + t] = t;
        if (!row.mask[t]) continue;
        sources[next] = start + t - 1;
        labels[next] = row.ids[t]!;
        weights[next++] = weight;
      }
      start += row.ids.length;
    }
  }
  return {
    ids: int32([shape.lines, length], ids),
    positions: int32([shape.lines, length], positions),
    sources: int32([targets], sources),
    labels: int32([targets], labels),
    weights: float32([targets], weights),
  };
}

function checkFits({ lines, shape }: MicroBatch): void {
  if (lines.length > shape.lines) throw new RangeError(`${lines.length} lines in a batch of ${shape.lines}`);
  for (const line of lines) {
    const tokens = line.reduce((n, row) => n + row.ids.length, 0);
    if (tokens > shape.length)
      throw new RangeError(
        `${line.length === 1 ? 'row' : 'rows'} ${line.map(({ id }) => id).join(', ')}: ${tokens} tokens in a line of ${shape.length}`,
      );
  }
  const trained = lines.flat().reduce((n, row) => n + row.trained, 0);
  if (trained > shape.targets) throw new RangeError(`${trained} trained tokens in a batch of ${shape.targets}`);
}

/**
 * Adds up `losses` [M] of the entry `evalLoss` by row, in the order of the lines: the sum over each
 * row's trained tokens.
 */
export function lossesByRow({ lines }: MicroBatch, losses: HostTensor): Float32Array {
  let next = 0;
  return Float32Array.from(lines.flat(), ({ trained }) => {
    const ofRow = losses.data.subarray(next, next + trained) as Float32Array;
    next += trained;
    return ofRow.reduce((sum, loss) => sum + loss, 0);
  });
}
