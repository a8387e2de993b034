import { sha256 } from '../core/hash.js';
import { type PlannedStep, rowIdsOf } from '../data/batch-plan.js';
import type { RowLedger } from './outcome.js';

/** A stage that has consumed nothing. */
export const NO_ROWS: RowLedger = { rows: 0, sha256: sha256('') };

/** The ledger after one more step: SHA-256 of the hash before and the ids of the step's rows, each after a line break. */
export function consume({ rows, sha256: before }: RowLedger, step: PlannedStep): RowLedger {
  const ids = step.microBatches.flatMap(rowIdsOf);
  return { rows: rows + ids.length, sha256: sha256([before, ...ids].join('\n')) };
}

/** The ledger of the first `count` steps of a plan, those left out that are in `skipped` (from 1). */
export const consumed = (steps: readonly PlannedStep[], count: number, skipped: readonly number[]): RowLedger =>
  steps.slice(0, count).reduce((so, step, i) => (skipped.includes(i + 1) ? so : consume(so, step)), NO_ROWS);
