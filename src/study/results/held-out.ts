import { join } from 'node:path';
import * as z from 'zod';
import { exists } from '../../io/files.js';
import { checkSchema } from '../../io/json.js';
import { readJsonLines } from '../../io/jsonl.js';
import { measuredField } from '../../io/manifest-fields.js';
import type { RunFile } from '../../train/run-file.js';

/** Loss of one held-out row at one time: nats summed over its trained tokens. */
export interface RowLoss {
  readonly id: string;
  /** Stage of its own set that the row's difficulty belongs to, from 1. */
  readonly band: number;
  readonly nats: number;
  readonly tokens: number;
}

const rowLossSchema = z.object({
  id: z.string(),
  band: z.number().int().min(1),
  nats: measuredField,
  tokens: z.number().int().min(0),
});

/** Reads the losses of the held-out rows after a stage of a run (0 is the base); undefined where they were not kept. */
export async function readRowLosses(run: string, stage: number): Promise<RowLoss[] | undefined> {
  const path = join(run, `stage-${stage}`, 'held-out.jsonl');
  if (!exists(path)) return undefined;
  const rows: RowLoss[] = [];
  for await (const { line, value } of readJsonLines(path))
    rows.push(checkSchema(value, rowLossSchema, `${path}:${line}`));
  return rows;
}

/** Band of each held-out row by the study's own cut: that of the set of the control. */
export type BandOf = ReadonlyMap<string, number>;

const heldOutRow = z.looseObject({ id: z.string(), stage: z.number().int().min(1) });

/** Reads which band each held-out row of a staged folder belongs to. */
export async function readBands(staged: string): Promise<BandOf> {
  const path = join(staged, 'holdout.jsonl');
  const bands = new Map<string, number>();
  for await (const { line, value } of readJsonLines(path)) {
    const { id, stage } = checkSchema(value, heldOutRow, `${path}:${line}`);
    bands.set(id, stage);
  }
  return bands;
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
  rows: readonly RowLoss[],
  bandOf: BandOf,
  bands: readonly number[],
): LossesAfter {
  const mean = (some: readonly RowLoss[]) =>
    some.reduce((sum, { nats }) => sum + nats, 0) / some.reduce((sum, { tokens }) => sum + tokens, 0);
  const of = (row: RowLoss) => bandOf.get(row.id) ?? row.band;
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
