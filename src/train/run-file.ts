import { join } from 'node:path';
import * as z from 'zod';
import { dataError, usageError } from '../core/errors.js';
import { writeJson } from '../io/atomic.js';
import { exists, listFolder, statPath } from '../io/files.js';
import { readJson } from '../io/json.js';

const count = z.number().int().min(0);
const saved = z.strictObject({ path: z.string(), sha256: z.string() });
const band = z.strictObject({ stage: z.number().int().min(1), rows: count, tokens: count });
const lossRow = z.strictObject({ after: count, losses: z.array(z.number()).readonly(), all: z.number() });

const stage = z.strictObject({
  stage: z.number().int().min(1),
  label: z.string(),
  rows: count,
  replayed: count,
  steps: count,
  tokens: count,
  trainedTokens: count,
  paddedTokens: count,
  /** Hash of its batch plan, and of the ids of the rows it consumes, in order. */
  plan: z.string(),
  rowsHash: z.string(),
  /** Absent until the stage begins. */
  origin: z
    .strictObject({
      from: z.enum(['base', 'previous-end', 'previous-best']),
      path: z.string().optional(),
      sha256: z.string().optional(),
      merged: z.boolean().optional(),
    })
    .optional(),
  /** Absent until the stage is done. */
  end: saved.optional(),
  best: saved.optional(),
  seconds: z.number().optional(),
  tokensPerSecond: z.number().optional(),
});

/** Schema of `run.json`: what a run was made of and what came of it. Paths of checkpoints are relative to the run's folder. */
export const runFileSchema = z.strictObject({
  schema: z.literal('phasetune/run'),
  version: z.literal(1),
  status: z.enum(['running', 'done', 'interrupted', 'failed']),
  /** Why it failed or stopped. */
  error: z.string().optional(),
  started: z.string(),
  finished: z.string().optional(),
  versions: z.record(z.string(), z.string()),
  /** Every option, defaults filled in. */
  recipe: z.record(z.string(), z.unknown()),
  order: z.enum(['phased', 'one-off', 'random', 'reversed']),
  seed: count,
  inputs: z.strictObject({
    model: z.strictObject({ path: z.string(), files: z.record(z.string(), z.string()) }),
    data: z.strictObject({ path: z.string(), manifest: z.string() }),
  }),
  stages: z.array(stage),
  /** The forgetting matrix: held-out loss in nats a trained token. Absent without held-out rows. */
  matrix: z.strictObject({ bands: z.array(band), rows: z.array(lossRow) }).optional(),
  /** The adapter to take away. */
  adapter: saved.optional(),
  /** Time from start to end, and the part of it in optimizer steps. */
  seconds: z.number().optional(),
  trainingSeconds: z.number().optional(),
  tokensPerSecond: z.number().optional(),
});

/** See {@link runFileSchema}. */
export type RunFile = z.infer<typeof runFileSchema>;

const NAME = 'run.json';

/** Writes `run.json` of a run's folder, atomically. */
export const writeRunFile = (folder: string, run: RunFile): Promise<void> => writeJson(join(folder, NAME), run);

/** Reads `run.json` of a run's folder; a folder without one is a data error. */
export async function readRunFile(folder: string): Promise<RunFile> {
  const path = join(folder, NAME);
  if (!exists(path))
    throw dataError(`${folder}: not a run (no ${NAME} in it); make one with \`phasetune train --out ${folder}\``, {
      file: path,
    });
  return readJson(path, runFileSchema);
}

/** Throws a usage error unless a run can be written to the folder: it must be missing or empty. */
export async function checkRunFolder(folder: string): Promise<void> {
  const { kind } = await statPath(folder);
  if (kind === 'missing' || (kind === 'folder' && (await listFolder(folder)).length === 0)) return;
  if (kind !== 'folder')
    throw usageError(`${folder} is a file; expected a folder to write the run to`, { file: folder });
  const what = exists(join(folder, NAME)) ? 'holds a run already' : 'is not empty';
  throw usageError(`${folder} ${what}; choose another --out, or remove it first`, { file: folder });
}
