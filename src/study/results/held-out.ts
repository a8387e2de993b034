import { findDuplicates } from '../../curriculum/duplicates.js';
import { readHeldOut } from '../../curriculum/manifest.js';
import { openTable } from '../../curriculum/table.js';
import type { HeldOutRow } from '../../train/held-out-losses.js';
import type { RunFile } from '../../train/run-file.js';

/** What is known of a held-out row: its band by the study's own cut, and which rows are its near-duplicates. */
export interface HeldOutPlace {
  /** Stage of the control's set, from 1. */
  readonly band: number;
  /** Place of the first row that it is a near-duplicate of: itself for most. */
  readonly cluster: number;
}

/** Held-out rows of a split, by id. */
export type HeldOut = ReadonlyMap<string, HeldOutPlace>;

/** Reads the held-out rows of the staged folder that the control trains on. */
export async function readHoldout(staged: string, nearDuplicates: number): Promise<HeldOut> {
  const records = await readHeldOut(staged);
  const table = openTable({ near: nearDuplicates > 0 });
  for (const record of records) table.add(record, record.score ?? 0, 0);
  const { keys, shingles } = table.done();
  const search = findDuplicates(keys, shingles, { nearDuplicates, seed: 0 });
  let next = search.next();
  while (!next.done) next = search.next();
  const { clusterOf } = next.value;
  return new Map(records.map(({ id, stage }, row) => [id, { band: stage ?? 1, cluster: clusterOf[row]! }]));
}

/** Held-out losses of a run at one time, by band and over all rows; nats per trained token. */
export interface LossesAfter {
  /** Stages trained: 0 is the base. */
  readonly after: number;
  /** In the order of the bands. */
  readonly losses: readonly number[];
  readonly all: number;
}

/** Mean losses of rows in each of the `bands`, and of all; NaN for a band without rows. */
export function lossesOf(
  after: number,
  rows: readonly HeldOutRow[],
  heldOut: HeldOut,
  bands: readonly number[],
): LossesAfter {
  const mean = (some: readonly HeldOutRow[]) =>
    some.reduce((sum, { nats }) => sum + nats, 0) / some.reduce((sum, { tokens }) => sum + tokens, 0);
  const of = (row: HeldOutRow) => heldOut.get(row.id)?.band ?? row.band;
  return { after, losses: bands.map((band) => mean(rows.filter((row) => of(row) === band))), all: mean(rows) };
}

/** The same from the matrix of `run.json`, whose bands are those of the run's own set. */
export function lossesOfMatrix(matrix: NonNullable<RunFile['matrix']>, bands: readonly number[]): LossesAfter[] {
  return matrix.rows.map(({ after, losses, all }) => ({
    after,
    losses: bands.map((band) => losses[matrix.bands.findIndex(({ stage }) => stage === band)] ?? Number.NaN),
    all,
  }));
}
