import type { PlannedStep } from '../data/batch-plan.js';
import type { EncodedRow } from '../data/encoded.js';
import { rowsOf } from '../data/micro-batch.js';
import type { HandoverRow } from './handover-record.js';

/** The label of a token that is not trained, in every engine. */
export const NOT_TRAINED = -100;

/** A row as engines read it. */
export const engineRow = ({ ids, mask }: Pick<EncodedRow, 'ids' | 'mask'>): HandoverRow => ({
  input_ids: [...ids],
  attention_mask: Array.from(ids, () => 1),
  labels: Array.from(ids, (id, t) => (mask[t] ? id : NOT_TRAINED)),
});

/**
 * A line that only fills a step. Nothing of it is trained: a label at the first position is predicted by no token, and
 * is there because engines drop rows without any label.
 */
export const fillRow = (id: number): HandoverRow => ({
  input_ids: [id, id],
  attention_mask: [1, 1],
  labels: [id, NOT_TRAINED],
});

/** Rows of a step, in the order of its micro-batches. */
const rowsOfStep = ({ microBatches }: PlannedStep): EncodedRow[] => microBatches.flatMap(rowsOf);

/** Rows of the largest step. */
export const mostRows = (steps: readonly PlannedStep[]): number =>
  steps.reduce((most, step) => Math.max(most, rowsOfStep(step).length), 0);

/** A line of a stage's file; `row` is undefined where it only fills the step. */
export interface PlacedRow {
  readonly row: EncodedRow | undefined;
  /** Both from 1. */
  readonly step: number;
  readonly epoch: number;
}

/** All lines of a stage in order: every step has its rows, filled up to `rowsPerStep`. */
export function* placeRows(steps: readonly PlannedStep[], rowsPerStep: number): Generator<PlacedRow, void> {
  for (const [i, step] of steps.entries()) {
    const rows: (EncodedRow | undefined)[] = rowsOfStep(step);
    for (let line = 0; line < rowsPerStep; line++) yield { row: rows[line], step: i + 1, epoch: step.epoch + 1 };
  }
}
