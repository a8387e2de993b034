import type { CellJob } from '../executor.js';
import type { Batch } from './submissions.js';

/**
 * The batch, and the index in it, of an attempt at a cell; undefined where it was never to be
 * submitted, or refused.
 */
export function placeOf(
  batches: Iterable<Batch>,
  { cell, attempt }: Pick<CellJob, 'cell' | 'attempt'>,
): { readonly batch: Batch; readonly task: number } | undefined {
  for (const batch of batches) {
    if (batch.refused) continue;
    const task = batch.cells.findIndex((index, i) => index === cell.index && batch.attempts[i] === attempt);
    if (task >= 0) return { batch, task };
  }
  return undefined;
}
