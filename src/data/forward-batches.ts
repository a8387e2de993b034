import type { EncodedRow } from './encoded.js';
import { type BatchLayout, makeBatches, shapeBatches } from './make-batches.js';
import type { MicroBatch } from './micro-batch.js';
import type { BatchOptions } from './options.js';
import { chooseSizes } from './pack.js';

/** Options of {@link forwardBatches}; `passes` is how often the rows will be measured. */
export interface ForwardOptions
  extends Pick<BatchOptions, 'batching' | 'batchRows' | 'padTo' | 'packLength' | 'maxShapes'> {
  readonly passes: number;
}

/** Work of a measurement as a share of that of a training step over the same rows: there are no gradients. */
const FORWARD_SHARE = 1 / 3;

/**
 * Batches of rows whose loss is measured: `batchRows` rows each, packed or sorted by length, the
 * longest lines first, so that what does not fit in memory fails at once. The order of the rows
 * makes no difference to a loss, so it is the one that fits best. Equal rows and options give equal
 * batches.
 */
export function forwardBatches(rows: readonly EncodedRow[], options: ForwardOptions): MicroBatch[] {
  if (rows.length === 0) return [];
  const longestFirst = rows.toSorted((x, y) => y.ids.length - x.ids.length);
  const batches = makeBatches(longestFirst, chooseLayout(rows, options), rows.length);
  return shapeBatches(
    batches.sort((x, y) => y.size.length - x.size.length),
    options,
  );
}

function chooseLayout(rows: readonly EncodedRow[], options: ForwardOptions): BatchLayout {
  const { batching, padTo, packLength, maxShapes } = options;
  const batchRows = Math.min(options.batchRows, rows.length);
  if (batching !== 'packed' || batchRows === 1) return { kind: 'padded', batchRows, padTo };
  const lengths = rows.map(({ ids }) => ids.length);
  const passes = options.passes * FORWARD_SHARE;
  return { kind: 'packed', sizes: chooseSizes([lengths], { batchRows, padTo, packLength, maxShapes, passes }) };
}
