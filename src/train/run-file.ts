import { join } from 'node:path';
import * as z from 'zod';
import { dataError, usageError } from '../core/errors.js';
import { jsonText } from '../core/json-text.js';
import type { Remedy } from '../core/remedies.js';
import { ORDER_NAMES } from '../curriculum/options.js';
import { isLeftover, removeLeftovers, writeFileAtomic } from '../io/atomic.js';
import { exists, listFolder, removeIfEmpty, statPath } from '../io/files.js';
import { checkSchema, readJson } from '../io/json.js';
import { type FolderLock, lockFolder } from '../io/lock.js';
import { isLockFile } from '../io/lock-file.js';
import { durationField, measuredField } from '../io/manifest-fields.js';
import { hide } from '../telemetry/redact.js';
import {
  bandSchema,
  count,
  lossRowSchema,
  rowLedgerSchema,
  savedSchema,
  stageResultSchema,
  stageSummarySchema,
} from './outcome.js';

const stage = z.strictObject({
  ...stageSummarySchema.shape,
  /** Hash of its batch plan. */
  plan: z.string(),
  /** The rows that it will consume, in order. */
  planned: rowLedgerSchema,
  ...stageResultSchema.shape,
});

/** A time that the run was resumed after it had stopped. */
const resumption = z.strictObject({
  time: z.string(),
  /** Absent where there was no checkpoint yet. */
  from: savedSchema.optional(),
  /** What differed from before, one line each: nothing unless it was forced. */
  changes: z.array(z.string()),
});

/** Another engine that trained a run, see `handover`. */
const trainedBySchema = z.strictObject({
  /** Its name and version: `TRL 1.16.0`. */
  engine: z.string(),
  /** Of it and what it uses, as far as known. */
  versions: z.record(z.string(), z.string()),
  /** What computed. Absent where that is not known. */
  device: z.string().optional(),
  processes: count.min(1),
  /** How they worked together, as accelerate calls it: MULTI_GPU, FSDP. Absent where that is not known. */
  distributed: z.string().optional(),
  precision: z.enum(['bfloat16', 'float32']),
  /** What it did otherwise than `train`, a sentence each. */
  differences: z.array(z.string()),
  /** What it did not record. */
  notKnown: z.array(z.string()),
});

/** Another engine that trained a run. */
export type TrainedBy = z.infer<typeof trainedBySchema>;

/**
 * Schema of `run.json`: what a run was made of and what came of it. Paths of checkpoints are relative to the
 * run's folder.
 */
export const runFileSchema = z.strictObject({
  schema: z.literal('phasetune/run'),
  version: z.literal(2),
  status: z.enum(['running', 'done', 'interrupted', 'failed']),
  /** Why it failed or stopped. */
  error: z.string().optional(),
  started: z.string(),
  finished: z.string().optional(),
  versions: z.record(z.string(), z.string()),
  /**
   * The folder that relative paths of `recipe` and `inputs` start from. Absent in older runs, which did not
   * record it.
   */
  begunIn: z.string().optional(),
  /** Every option, defaults filled in. */
  recipe: z.record(z.string(), z.unknown()),
  /**
   * Why products have the type `recipe.precision`: it was given, it was measured to be the faster on the processor that
   * the run was started on (with what both reached, in 10^9 floating-point operations a second), or it is what such a
   * device takes. Absent in older runs.
   */
  products: z
    .strictObject({
      chosen: z.enum(['given', 'measured', 'device']),
      gflops: z.strictObject({ bfloat16: measuredField, float32: measuredField }).optional(),
    })
    .optional(),
  /** Absent where `train` trained it. */
  trainedBy: trainedBySchema.optional(),
  order: z.enum(ORDER_NAMES),
  seed: count,
  inputs: z.strictObject({
    model: z.strictObject({ path: z.string(), files: z.record(z.string(), z.string()) }),
    data: z.strictObject({ path: z.string(), manifest: z.string() }),
  }),
  stages: z.array(stage),
  /** The forgetting matrix: held-out loss in nats a trained token. Absent without held-out rows. */
  matrix: z.strictObject({ bands: z.array(bandSchema), rows: z.array(lossRowSchema) }).optional(),
  /** The adapter to take away. */
  adapter: savedSchema.optional(),
  resumed: z.array(resumption).optional(),
  /** Time from start to end, and the part of it in optimizer steps. */
  seconds: durationField.optional(),
  trainingSeconds: durationField.optional(),
  /** Absent where no step stayed. */
  tokensPerSecond: measuredField.optional(),
});

/** See {@link runFileSchema}. */
export type RunFile = z.infer<typeof runFileSchema>;

/** What a run is made of: versions, options, inputs and their hashes. */
export type RunAbout = Pick<RunFile, 'versions' | 'begunIn' | 'recipe' | 'products' | 'inputs'>;

const NAME = 'run.json';

/** The folder in a run's folder that TensorBoard reads; what lies there is no part of what the run came to. */
export const BOARD_FOLDER = 'tensorboard';

/**
 * Writes `run.json` of a run's folder, atomically and without secrets; what could not be read again does not
 * replace the old one.
 */
export async function writeRunFile(folder: string, run: RunFile): Promise<void> {
  const path = join(folder, NAME);
  const text = jsonText(hide(run), 2);
  checkSchema(JSON.parse(text), runFileSchema, path);
  await writeFileAtomic(path, `${text}\n`);
}

/**
 * Reads `run.json` of a run's folder; a folder without one is a data error.
 *
 * @example
 * const { status, stages, inputs } = await readRun('checkpoints/first');
 * console.log(status, stages.length, inputs);
 */
export async function readRunFile(folder: string): Promise<RunFile> {
  const path = join(folder, NAME);
  if (!exists(path))
    throw dataError(`${folder}: not a run (no ${NAME} in it)`, {
      file: path,
      remedies: [{ task: 'train', options: { out: folder }, note: 'to make one' }],
    });
  return readJson(path, runFileSchema);
}

/** What helps wherever a run cannot be written to its folder. */
export const OTHER_FOLDER: Remedy = { option: 'out', change: 'set', note: 'to another folder' };

/** What a folder is to a run: free for a new one, or with one in it. Throws a usage error for anything else. */
async function contents(folder: string): Promise<'free' | 'run'> {
  const { kind } = await statPath(folder);
  if (kind === 'missing') return 'free';
  if (kind !== 'folder')
    throw usageError(`${folder} is a file; expected a folder to write the run to`, { file: folder, option: 'out' });
  if (exists(join(folder, NAME))) return 'run';
  if ((await listFolder(folder)).every((name) => isLockFile(name) || isLeftover(name))) return 'free';
  throw usageError(`${folder} is not empty, and there is no run in it`, {
    file: folder,
    option: 'out',
    remedies: [OTHER_FOLDER],
  });
}

/**
 * Throws a usage error unless a run can be written to the folder: it must be missing or empty or, to resume,
 * have a run in it, which is returned.
 */
export async function checkRunFolder(folder: string, resume = false): Promise<RunFile | undefined> {
  if ((await contents(folder)) === 'free') return undefined;
  if (resume) return readRunFile(folder);
  throw usageError(`${folder} already contains a run`, {
    file: folder,
    option: 'out',
    remedies: [
      { option: 'resume', change: 'set', note: 'to continue it' },
      OTHER_FOLDER,
      { advice: 'remove the folder' },
    ],
  });
}

/** A run's folder, held by this process. */
export interface ClaimedFolder {
  readonly lock: FolderLock;
  /** The run that is in it. */
  readonly run?: RunFile | undefined;
  /** Frees the folder; one that is still empty is removed. */
  release(): Promise<void>;
}

/**
 * Locks a run's folder, which is made where it is missing, and removes what a killed process left half
 * written. Throws as {@link checkRunFolder}, and when another process holds it.
 */
export async function claimRunFolder(folder: string, resume = false): Promise<ClaimedFolder> {
  await checkRunFolder(folder, resume);
  const lock = await lockFolder(folder, 'train');
  const release = async () => {
    await lock.release();
    await removeIfEmpty(folder);
  };
  try {
    await removeLeftovers(folder);
    return { lock, run: await checkRunFolder(folder, resume), release };
  } catch (error) {
    await release();
    throw error;
  }
}
