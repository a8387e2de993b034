import type { BatchShape } from './batch-shapes.js';
import type { EncodedRow } from './encoded.js';

/**
 * Rows that go through the model in one call: a batch, or some of its lines. See the picture in
 * docs/architecture.md.
 */
export interface MicroBatch {
  /** The rows of each line, one after another; lines that `shape` has beyond these are empty. */
  readonly lines: readonly (readonly EncodedRow[])[];
  readonly shape: BatchShape;
}

/** The rows of a micro-batch, line after line. */
export const rowsOf = ({ lines }: Pick<MicroBatch, 'lines'>): EncodedRow[] => lines.flat();
