import { join } from 'node:path';
import { dataError } from '../core/errors.js';
import { random } from '../core/random.js';
import type { Adapter } from '../lora/adapter.js';
import { type Checkpoint, readCheckpoint } from './checkpoint.js';
import type { AdapterBase } from './checkpoint-write.js';
import type { FoundCheckpoint } from './checkpoints.js';
import type { StageOrigin } from './events.js';
import type { Saved, TrainedStage } from './outcome.js';
import type { StagePlan } from './run-plan.js';
import type { SavedProgress } from './trainer.js';
import type { Tuner } from './tuner.js';

/** A run whose weights a tuner holds. */
interface WeightsOf {
  readonly tuner: Tuner;
  readonly job: {
    readonly folder: string;
    readonly base: AdapterBase;
    readonly plan: { readonly seed: number };
  };
}

/** A checkpoint whose own adapter is in the base weights now. */
export interface Merged {
  readonly saved: Saved;
  readonly own: Adapter;
}

/** Weights that a stage starts or continues from. */
export interface StageStart {
  readonly origin: StageOrigin;
  /** In the order in which they were merged into the base. */
  readonly merged: readonly Merged[];
  /** Updates that the moments have seen before this stage. */
  readonly stepsBefore: number;
  /** Where the stage continues; absent at its beginning. */
  readonly from?: SavedProgress;
}

/** Seed of the adapter that a stage begins with, unless it continues one. */
export const adapterSeed = (runSeed: number, stage: number): number =>
  random(runSeed, 'adapter', stage).integer(2 ** 31);

/**
 * Puts base weights, adapter and moments in place, as the stage's options say. `prior` is what came of the
 * stage before.
 */
export async function startStage(
  { tuner, job }: WeightsOf,
  { stage, options }: StagePlan,
  prior: TrainedStage | undefined,
  merged: readonly Merged[],
): Promise<StageStart> {
  const seed = adapterSeed(job.plan.seed, stage);
  if (!prior || options.start === 'base') {
    if (merged.length > 0) await tuner.loadBase([]);
    tuner.reset('adapter', seed);
    tuner.reset('optimizer', seed);
    return { origin: { from: 'base' }, merged: [], stepsBefore: 0 };
  }
  const saved = options.start === 'previous-best' ? prior.best! : prior.end!;
  const checkpoint = await readOwn(job, saved);
  const origin = { from: options.start, ...saved };
  if (options.adapter === 'merged') {
    const more = [...merged, { saved, own: checkpoint.own }];
    await tuner.loadBase(more.map(({ own }) => own.tensors));
    tuner.reset('adapter', seed);
    tuner.reset('optimizer', seed);
    return { origin: { ...origin, merged: true }, merged: more, stepsBefore: 0 };
  }
  tuner.write('adapter', checkpoint.own.tensors);
  const carried = options.optimizer === 'carried';
  if (carried) tuner.write('optimizer', await checkpoint.optimizer());
  else tuner.reset('optimizer', seed);
  return { origin, merged, stepsBefore: carried ? checkpoint.state.progress.optimizerStep : 0 };
}

/** Puts base weights, adapter and moments in place, as they were at a checkpoint of the stage. */
export async function restoreStage(
  { tuner, job }: WeightsOf,
  { stage }: StagePlan,
  { checkpoint, saved }: FoundCheckpoint,
): Promise<StageStart> {
  const { kind, progress, origin, merged: mergedBefore } = checkpoint.state;
  const merged: Merged[] = [];
  for (const saved of mergedBefore) merged.push({ saved, own: (await readOwn(job, saved)).own });
  await tuner.loadBase(merged.map(({ own }) => own.tensors));
  tuner.reset('optimizer', adapterSeed(job.plan.seed, stage));
  await writeTensors(tuner, checkpoint);
  return { origin, merged, stepsBefore: 0, from: { saved, kind, progress } };
}

/** Puts adapter and moments back as they were at a checkpoint of the stage that is trained. */
export const restoreTensors = async ({ tuner, job }: WeightsOf, saved: Saved): Promise<void> =>
  writeTensors(tuner, await readOwn(job, saved));

async function writeTensors(tuner: Tuner, checkpoint: Checkpoint): Promise<void> {
  tuner.write('adapter', checkpoint.own.tensors);
  tuner.write('optimizer', await checkpoint.optimizer());
}

/** A checkpoint of this run, which must be the one that was written. */
async function readOwn({ folder, base }: WeightsOf['job'], { path, sha256 }: Saved): Promise<Checkpoint> {
  const place = join(folder, path);
  const checkpoint = await readCheckpoint(place, base.linears);
  refuseOther(place, checkpoint.sha256, sha256);
  return checkpoint;
}

/** Throws a data error unless a checkpoint's adapter is the one that this run wrote. */
export function refuseOther(folder: string, actual: string, expected: string): void {
  if (actual !== expected)
    throw dataError(
      `${folder}: holds another adapter than this run wrote there (expected SHA-256 ${expected.slice(0, 12)}..., got ${actual.slice(0, 12)}...); leave the folders of a run alone while it is running`,
      { file: folder, expected, actual },
    );
}
