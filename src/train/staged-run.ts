import { join } from 'node:path';
import { dataError, PhasetuneError } from '../core/errors.js';
import { random } from '../core/random.js';
import { writeFolderAtomic } from '../io/atomic.js';
import { copyFile, hashFile, remove } from '../io/files.js';
import type { Adapter } from '../lora/adapter.js';
import type { LoraOptions } from '../lora/options.js';
import type { OptimOptions } from '../optim/options.js';
import {
  ADAPTER_FILES,
  type AdapterBase,
  checkpointPath,
  type Progress,
  readCheckpoint,
  type Saved,
  writeCheckpoint,
} from './checkpoint.js';
import type { StageOrigin, TrainEvent } from './events.js';
import type { TrainOptions } from './options.js';
import type { RunPlan, StagePlan } from './plan.js';
import type { RunFile } from './run-file.js';
import { openRunRecord, type RunAbout, type RunRecord } from './run-record.js';
import { measure, type StageOutcome, trainStage } from './trainer.js';
import type { Tuner } from './tuner.js';

/** What {@link runStages} needs besides the tuner. */
export interface RunJob {
  /** Folder of the run; missing or empty. */
  readonly folder: string;
  readonly plan: RunPlan;
  readonly options: Pick<TrainOptions, 'evalEvery' | 'logEvery'>;
  readonly optim: OptimOptions;
  readonly lora: LoraOptions;
  readonly base: AdapterBase;
  readonly about: RunAbout;
  readonly signal?: AbortSignal;
}

/** A checkpoint whose own adapter is in the base weights now. */
interface Merged {
  readonly saved: Saved;
  readonly own: Adapter;
}

/** How a stage began. */
interface Begin {
  readonly origin: StageOrigin;
  readonly merged: readonly Merged[];
  readonly stepsBefore: number;
}

/**
 * Trains all stages of a plan, each built from the base and the prior stage's adapter read back from disk, and yields what
 * happens; the same goes to `events.jsonl`, and what came of it to `run.json`, which is returned. Base
 * weights, adapter and moments that the tuner holds are replaced. When it fails or is interrupted, `run.json` says so.
 */
export async function* runStages(tuner: Tuner, job: RunJob): AsyncGenerator<TrainEvent, RunFile> {
  const record = await openRunRecord(job.folder, job.plan, job.about);
  try {
    yield* record.log(allStages(tuner, job, record));
    await record.close('done');
    return record.run;
  } catch (error) {
    const interrupted = error instanceof PhasetuneError && error.code === 'interrupted';
    // The first error counts: when the disk is full, run.json cannot be written either.
    await record.close(interrupted ? 'interrupted' : 'failed', error).catch(() => {});
    throw error;
  } finally {
    // Open still only when the caller stopped listening.
    await record.close('interrupted');
  }
}

async function* allStages(tuner: Tuner, job: RunJob, record: RunRecord): AsyncGenerator<TrainEvent, void> {
  const { plan, signal } = job;
  const { run } = record;
  const start = performance.now();
  const stages = plan.stages.map(({ summary }) => summary);
  yield { type: 'run', order: plan.order, seed: plan.seed, stages, bands: plan.holdout?.bands ?? [] };
  await tuner.loadBase([]);
  tuner.reset('adapter', adapterSeed(plan, 1));
  if (plan.holdout) {
    const heldOut = yield* measure(tuner, plan.holdout, 0, 0, signal);
    if (!heldOut) throw new PhasetuneError('interrupted', 'interrupted before the first step; nothing was trained');
    run.matrix?.rows.push({ after: 0, ...heldOut });
  }
  let prior: StageOutcome | undefined;
  let merged: readonly Merged[] = [];
  for (const [i, stage] of plan.stages.entries()) {
    const begin = await beginStage(tuner, job, stage, prior, merged);
    merged = begin.merged;
    run.stages[i]!.origin = begin.origin;
    await record.write();
    yield { type: 'stage', ...stage.summary, stages: stages.length, origin: begin.origin };
    prior = yield* trainStage(tuner, stageJob(tuner, job, stage, begin));
    yield* endStage(stage, prior, record);
  }
  run.adapter = await keepAdapter(job.folder, prior!.end);
  run.trainingSeconds = run.stages.reduce((n, { seconds }) => n + seconds!, 0);
  run.tokensPerSecond = run.stages.reduce((n, { tokens }) => n + tokens, 0) / run.trainingSeconds;
  const seconds = (performance.now() - start) / 1000;
  yield { type: 'run-end', adapter: run.adapter, ...(run.matrix && { matrix: run.matrix }), seconds };
}

const stageJob = (tuner: Tuner, job: RunJob, plan: StagePlan, { merged, stepsBefore }: Begin) => ({
  ...job.options,
  plan,
  rows: job.plan.rows,
  optim: job.optim,
  seed: job.plan.seed,
  stepsBefore,
  holdout: job.plan.holdout,
  signal: job.signal,
  save: (progress: Progress) => save(tuner, job, plan, merged, progress),
  discard: ({ path }: Saved) => remove(join(job.folder, path)),
});

async function* endStage(
  { stage, summary }: StagePlan,
  { end, best, heldOut, seconds }: StageOutcome,
  { run, write }: RunRecord,
): AsyncGenerator<TrainEvent, void> {
  const tokensPerSecond = summary.tokens / seconds;
  Object.assign(run.stages[stage - 1]!, { end, best, seconds, tokensPerSecond });
  const row = heldOut && { after: stage, ...heldOut };
  if (row) run.matrix?.rows.push(row);
  await write();
  yield { type: 'stage-end', stage, ...(row && { row }), seconds, tokensPerSecond };
}

const adapterSeed = (plan: RunPlan, stage: number) => random(plan.seed, 'adapter', stage).integer(2 ** 31);

/** Puts base weights, adapter and moments in place, as the stage's options say. */
async function beginStage(
  tuner: Tuner,
  job: RunJob,
  { stage, options }: StagePlan,
  prior: StageOutcome | undefined,
  merged: readonly Merged[],
): Promise<Begin> {
  const seed = adapterSeed(job.plan, stage);
  if (!prior || options.start === 'base') {
    if (merged.length > 0) await tuner.loadBase([]);
    tuner.reset('adapter', seed);
    tuner.reset('optimizer', seed);
    return { origin: { from: 'base' }, merged: [], stepsBefore: 0 };
  }
  const saved = options.start === 'previous-best' ? prior.best : prior.end;
  const checkpoint = await readCheckpoint(join(job.folder, saved.path), job.base.linears);
  refuseOther(join(job.folder, saved.path), checkpoint.sha256, saved.sha256);
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
  return { origin, merged, stepsBefore: carried ? checkpoint.state.optimizerStep : 0 };
}

function refuseOther(folder: string, actual: string, expected: string): void {
  if (actual !== expected)
    throw dataError(
      `${folder}: holds another adapter than this run wrote there (expected SHA-256 ${expected.slice(0, 12)}..., got ${actual.slice(0, 12)}...); leave the folders of a run alone while it goes`,
      { file: folder, expected, actual },
    );
}

async function save(
  tuner: Tuner,
  job: RunJob,
  { stage, batches }: StagePlan,
  merged: readonly Merged[],
  progress: Progress,
): Promise<Saved> {
  const path = checkpointPath(stage, progress.step);
  const state = {
    stage,
    steps: batches.steps.length,
    plan: batches.hash,
    ...progress,
    merged: merged.map((m) => m.saved),
  };
  const content = {
    own: { options: job.lora, tensors: await tuner.read('adapter') },
    merged: merged.map(({ own }) => own),
    optimizer: await tuner.read('optimizer'),
    state,
  };
  return { path, sha256: await writeCheckpoint(join(job.folder, path), content, job.base) };
}

/** Copies a checkpoint's adapter to where the user takes it away. */
async function keepAdapter(folder: string, { path, sha256 }: Saved): Promise<Saved> {
  const to = join(folder, 'adapter');
  await writeFolderAtomic(to, async (temporary) => {
    for (const name of ADAPTER_FILES) await copyFile(join(folder, path, name), join(temporary, name));
    refuseOther(join(folder, path), await hashFile(join(temporary, ADAPTER_FILES[0])), sha256);
  });
  return { path: 'adapter', sha256 };
}
