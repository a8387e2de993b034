import { join } from 'node:path';
import { PhasetuneError } from '../core/errors.js';
import { startTask, type Task } from '../core/task.js';
import { hashFile } from '../io/files.js';
import type { FolderLock } from '../io/lock.js';
import type { LoraOptions } from '../lora/options.js';
import type { OptimOptions } from '../optim/options.js';
import { ADAPTER_FILES } from './checkpoint.js';
import { type AdapterBase, copyAdapter, writeCheckpoint } from './checkpoint-write.js';
import { checkpointPath, tidyCheckpoints } from './checkpoints.js';
import type { CheckpointKind, RunEvent } from './events.js';
import { removeHeldOutLosses, writeHeldOutLosses } from './held-out-losses.js';
import type { HeldOutLosses } from './holdout.js';
import type { TrainOptions } from './options.js';
import { type Saved, stageResultSchema, type TrainedStage } from './outcome.js';
import { type Progress, speedOf } from './progress.js';
import type { ResumePoint } from './resume.js';
import type { RunAbout, RunFile } from './run-file.js';
import type { RunPlan, StagePlan } from './run-plan.js';
import { openRunRecord, type RunRecord } from './run-record.js';
import {
  adapterSeed,
  type Merged,
  refuseOther,
  restoreStage,
  restoreTensors,
  type StageStart,
  startStage,
} from './stage-weights.js';
import { measure, type StageJob, type StageOutcome, trainStage } from './trainer.js';
import type { Tuner } from './tuner.js';

/** What {@link runStages} needs besides the tuner. */
export interface RunJob {
  /** Folder of the run; empty, or with the run to resume. */
  readonly folder: string;
  /** Only this process writes to the folder, see `claimRunFolder`; the caller releases it. */
  readonly lock: FolderLock;
  readonly plan: RunPlan;
  readonly options: Pick<TrainOptions, 'evalEvery' | 'saveEvery' | 'keepLast' | 'logEvery' | 'onSpike'>;
  readonly optim: OptimOptions;
  readonly lora: LoraOptions;
  readonly base: AdapterBase;
  readonly about: RunAbout;
  /** Where the run continues, see `findResumePoint`. */
  readonly resume?: ResumePoint | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A run that is trained: what trains it, what it is, and its files. */
interface RunContext {
  readonly tuner: Tuner;
  readonly job: RunJob;
  readonly record: RunRecord;
}

/** A stage of it. */
interface StageContext extends RunContext {
  readonly plan: StagePlan;
  readonly start: StageStart;
}

/**
 * Trains all stages of a plan, each from the base and the adapter of the stage before, read back from disk.
 * What happens also goes to `events.jsonl`, and what came of it to `run.json`, which is the result. Base
 * weights, adapter and moments that the tuner holds are replaced. When the run fails or is interrupted,
 * `run.json` says so.
 */
export const runStages = (tuner: Tuner, job: RunJob): Task<RunEvent, RunFile> =>
  startTask(() => recordedStages(tuner, job));

async function* recordedStages(tuner: Tuner, job: RunJob): AsyncGenerator<RunEvent, RunFile> {
  const record = await openRunRecord(job.folder, job.lock, job.plan, job.about, job.resume).catch((error: unknown) => {
    throw withRemedy(error);
  });
  try {
    yield* record.log(allStages({ tuner, job, record }));
    await record.close('done');
    return record.run;
  } catch (error) {
    const interrupted = error instanceof PhasetuneError && error.code === 'interrupted';
    // The first error counts: when the disk is full, run.json cannot be written either.
    await record.close(interrupted ? 'interrupted' : 'failed', error).catch(() => {});
    throw (!interrupted && (await lostFolder(job))) || withRemedy(error);
  } finally {
    // Still open only when the caller stopped reading events.
    await record.close('interrupted');
  }
}

/**
 * The error that the run's folder is no longer its own, where it is not: whatever else failed then failed
 * because of that.
 */
const lostFolder = ({ lock }: RunJob): Promise<PhasetuneError | undefined> =>
  lock.check().then(
    () => undefined,
    (error: unknown) => (error instanceof PhasetuneError ? error : undefined),
  );

/** An error of the disk, with how to continue once it is fixed. */
function withRemedy(error: unknown): unknown {
  if (!(error instanceof PhasetuneError) || !error.fields.errno) return error;
  const { code, message, fields } = error;
  const advice = 'then continue from the last whole checkpoint with `resume`';
  return new PhasetuneError(code, message, { ...fields, remedies: [{ advice }] }, { cause: error });
}

async function* allStages(context: RunContext): AsyncGenerator<RunEvent, void> {
  const { job, record } = context;
  const { plan, resume } = job;
  const { run } = record;
  if (resume) yield resumeEvent(plan, resume);
  const found = resume?.found;
  const first = found?.checkpoint.state.stage ?? 1;
  if (resume) await removeHeldOutLosses(job.folder, found ? first : 0, plan.stages.length);
  if (!found) yield* beginRun(context);
  let merged: readonly Merged[] = [];
  for (const stage of plan.stages.slice(first - 1)) {
    const continued = stage.stage === first ? found : undefined;
    const start = continued
      ? await restoreStage(context, stage, continued)
      : await startStage(context, stage, run.stages[stage.stage - 2], merged);
    const { origin } = start;
    merged = start.merged;
    run.stages[stage.stage - 1]!.origin = origin;
    await record.write();
    if (!continued) yield { type: 'stage', ...stage.summary, stages: plan.stages.length, origin };
    const outcome = yield* trainStage(context.tuner, stageJob({ ...context, plan: stage, start }));
    yield* endStage(context, stage, outcome);
  }
  run.adapter = await keepAdapter(job, run.stages.at(-1)!.end!);
  await tidyCheckpoints(job.folder, 0, keptPaths(run));
  Object.assign(run, trainingTime(run.stages));
  const seconds = record.seconds();
  yield { type: 'run-end', adapter: run.adapter, ...(run.matrix && { matrix: run.matrix }), seconds };
}

/** Time in optimizer steps, and their speed, over all stages of which any step stayed. */
function trainingTime(stages: RunFile['stages']): Pick<RunFile, 'trainingSeconds' | 'tokensPerSecond'> {
  const [seconds, tokens] = stages.reduce(
    ([seconds, tokens], stage) => {
      const { seconds: time = 0, tokensPerSecond: speed = 0 } = stage;
      return [seconds + time, tokens + (Number.isFinite(speed) ? time * speed : 0)] as const;
    },
    [0, 0] as readonly [number, number],
  );
  const tokensPerSecond = speedOf(tokens, seconds);
  return { trainingSeconds: seconds, ...(tokensPerSecond !== undefined && { tokensPerSecond }) };
}

/** Base weights and a fresh adapter, and the held-out loss before any training. */
async function* beginRun({ tuner, job, record }: RunContext): AsyncGenerator<RunEvent, void> {
  const { plan, signal } = job;
  const stages = plan.stages.map(({ summary }) => summary);
  yield { type: 'run', order: plan.order, seed: plan.seed, stages, bands: plan.holdout?.bands ?? [] };
  await tuner.loadBase([]);
  tuner.reset('adapter', adapterSeed(plan.seed, 1));
  if (!plan.holdout) return;
  const heldOut = yield* measure(tuner, plan.holdout, 0, 0, signal);
  if (!heldOut) throw new PhasetuneError('interrupted', 'interrupted before the first step; nothing was trained');
  const { all } = heldOut;
  if (!Number.isFinite(all))
    throw new PhasetuneError(
      'failed',
      `the base model's loss on the held-out rows is ${all} before any training: its results are not numbers, whatever the rows and the learning rate are`,
      {
        loss: all,
        remedies: [{ advice: 'get the model again' }, { option: 'precision', change: 'set', value: 'float32' }],
      },
    );
  await keepLosses({ job, record }, 0, heldOut);
}

/** Writes the losses of the held-out rows after a stage, and then notes their means in `run.json`. */
async function keepLosses(
  { job, record }: Pick<RunContext, 'job' | 'record'>,
  after: number,
  { losses, all, rows }: HeldOutLosses,
): Promise<void> {
  await job.lock.check();
  await writeHeldOutLosses(job.folder, after, rows);
  record.run.matrix?.rows.push({ after, losses, all });
}

function resumeEvent({ stages }: RunPlan, { found }: ResumePoint): RunEvent {
  const summaries = stages.map(({ summary }) => summary);
  if (!found) return { type: 'resume', stages: summaries, tokens: 0 };
  const { stage, progress } = found.checkpoint.state;
  const before = summaries.slice(0, stage - 1).reduce((n, { tokens }) => n + tokens, 0);
  const from = { stage, step: progress.step, path: found.saved.path };
  return { type: 'resume', from, stages: summaries, tokens: before + progress.tokens };
}

const stageJob = (context: StageContext): StageJob => ({
  ...context.job.options,
  ...context.start,
  plan: context.plan,
  optim: context.job.optim,
  seed: context.job.plan.seed,
  holdout: context.job.plan.holdout,
  signal: context.job.signal,
  save: (progress, kind) => saveCheckpoint(context, progress, kind),
  restore: (saved) => restoreTensors(context, saved),
});

async function* endStage(
  context: RunContext,
  { stage }: StagePlan,
  { end, best, heldOut, consumed, skipped, tokens, seconds }: StageOutcome,
): AsyncGenerator<RunEvent, void> {
  const { run, write } = context.record;
  const speed = speedOf(tokens, seconds);
  const time = { seconds, ...(speed !== undefined && { tokensPerSecond: speed }) };
  const result: TrainedStage = { end, best, consumed, ...time };
  Object.assign(run.stages[stage - 1]!, result, skipped.length > 0 && { skipped });
  if (heldOut) await keepLosses(context, stage, heldOut);
  const row = heldOut && { after: stage, losses: heldOut.losses, all: heldOut.all };
  await write();
  yield { type: 'stage-end', stage, ...(row && { row }), consumed, ...time };
}

/** Writes a checkpoint of the stage, and removes those that are not kept. */
async function saveCheckpoint(
  { tuner, job, plan, start, record }: StageContext,
  progress: Progress,
  kind: CheckpointKind,
): Promise<Saved> {
  const { run } = record;
  const { stage, batches } = plan;
  const path = checkpointPath(stage, progress.step);
  await job.lock.check();
  // A checkpoint records how many events were before it: they must not be lost when it is not.
  await record.flush();
  const state = {
    kind,
    stage,
    steps: batches.steps.length,
    plan: batches.hash,
    progress,
    origin: start.origin,
    merged: start.merged.map(({ saved }) => saved),
    events: record.events(),
    seconds: record.seconds(),
    stages: run.stages.slice(0, stage - 1).map(resultOf),
    matrix: run.matrix?.rows ?? [],
  };
  const content = {
    own: { options: job.lora, tensors: await tuner.read('adapter') },
    merged: start.merged.map(({ own }) => own),
    optimizer: await tuner.read('optimizer'),
    state,
  };
  const saved = { path, sha256: await writeCheckpoint(join(job.folder, path), content, job.base) };
  const kept = keptPaths(run);
  if (progress.best) kept.add(progress.best.saved.path);
  await tidyCheckpoints(job.folder, job.options.keepLast, kept);
  return saved;
}

/** Checkpoints that a run keeps: every stage's end and best. */
const keptPaths = ({ stages }: RunFile): Set<string> =>
  new Set(stages.flatMap(({ end, best }) => [end, best].flatMap((saved) => (saved ? [saved.path] : []))));

const resultOf = (stage: RunFile['stages'][number]): TrainedStage =>
  Object.fromEntries(
    Object.keys(stageResultSchema.shape).flatMap((key) =>
      key in stage ? [[key, stage[key as keyof TrainedStage]]] : [],
    ),
  );

/** Copies a checkpoint's adapter to where the user finds it. */
async function keepAdapter({ folder, base }: RunJob, { path, sha256 }: Saved): Promise<Saved> {
  const from = join(folder, path);
  refuseOther(from, await hashFile(join(from, ADAPTER_FILES[0])), sha256);
  await copyAdapter(from, join(folder, 'adapter'), base.linears);
  return { path: 'adapter', sha256 };
}
