import { join } from 'node:path';
import * as z from 'zod';
import { dataError } from '../core/errors.js';
import { exists, remove } from '../io/files.js';
import { checkSchema } from '../io/json.js';
import { readJsonLines, writeJsonLines } from '../io/jsonl.js';
import { measuredField } from '../io/manifest-fields.js';
import { count } from './outcome.js';
import { readRunFile } from './run-file.js';

/** Schema of a line of `stage-N/held-out.jsonl`: the loss of a held-out row after a stage. */
export const heldOutRowSchema = z.strictObject({
  id: z.string(),
  /** The stage of the staged set whose difficulty the row has, from 1. */
  band: z.number().int().min(1),
  /** Summed over its trained tokens. */
  nats: measuredField,
  /** Its trained tokens: the mean loss is nats / tokens. */
  tokens: count,
});

/** See {@link heldOutRowSchema}. */
export type HeldOutRow = z.infer<typeof heldOutRowSchema>;

/** Where the losses after a stage are in a run's folder; 0 is the base, before any training. */
const pathOf = (folder: string, stage: number): string => join(folder, `stage-${stage}`, 'held-out.jsonl');

/** Writes the losses of all held-out rows after a stage, in the order of the hold-out, atomically. */
export async function writeHeldOutLosses(folder: string, stage: number, rows: readonly HeldOutRow[]): Promise<void> {
  await writeJsonLines(pathOf(folder, stage), rows);
}

/** Removes the losses after the stages `from` to `to`: those of a run that continues before them. */
export async function removeHeldOutLosses(folder: string, from: number, to: number): Promise<void> {
  for (let stage = from; stage <= to; stage++) if (exists(pathOf(folder, stage))) await remove(pathOf(folder, stage));
}

/** Relative difference between a mean that was summed in another order, and the same: far more than rounding gives. */
const SAME_MEAN = 1e-9;

/**
 * Reads the loss of each held-out row after a stage of a run, 0 for the base, in the order of the hold-out. A data
 * error where the run has none there (it is older, has no held-out rows, or did not get so far) and where they are not
 * those that `run.json` has the mean of.
 *
 * @example
 * const rows = await readHeldOutLosses('checkpoints/first', 0);
 * console.log(rows.map(({ id, nats, tokens }) => [id, nats / tokens]));
 */
export async function readHeldOutLosses(folder: string, stage: number): Promise<HeldOutRow[]> {
  const path = pathOf(folder, stage);
  const measured = (await readRunFile(folder)).matrix?.rows.find(({ after }) => after === stage);
  if (!measured || !exists(path))
    throw dataError(`${folder}: no held-out losses after stage ${stage} (no ${path})`, { file: path, stage });
  const rows: HeldOutRow[] = [];
  for await (const { line, value } of readJsonLines(path))
    rows.push(checkSchema(value, heldOutRowSchema, `${path}:${line}`));
  const sum = (of: (row: HeldOutRow) => number) => rows.reduce((total, row) => total + of(row), 0);
  const mean = sum(({ nats }) => nats) / sum(({ tokens }) => tokens);
  const { all } = measured;
  if (Object.is(mean, all) || Math.abs(mean - all) <= SAME_MEAN * Math.abs(all)) return rows;
  throw dataError(`${path}: its mean is ${mean}, that of the run ${all}; the file was changed`, {
    file: path,
    expected: all,
    actual: mean,
  });
}
