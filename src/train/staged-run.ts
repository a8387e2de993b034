import { join } from 'node:path';
import { dataError, PhasetuneError } from '../core/errors.js';
import { random } from '../core/random.js';
import { hashFile } from '../io/files.js';
import type { FolderLock } from '../io/lock.js';
import type { Adapter } from '../lora/adapter.js';
import type { LoraOptions } from '../lora/options.js';
import type { OptimOptions } from '../optim/options.js';
import { ADAPTER_FILES, type Checkpoint, readCheckpoint } from './checkpoint.js';
import { type AdapterBase, copyAdapter, writeCheckpoint } from './checkpoint-write.js';
import { checkpointPath, type FoundCheckpoint, tidyCheckpoints } from './checkpoints.js';
import type { CheckpointKind, StageOrigin, TrainEvent } from './events.js';
import type { TrainOptions } from './options.js';
import { type Saved, type StageResult, stageResultSchema } from './outcome.js';
import { type Progress, speedOf } from './progress.js';
import type { ResumePoint } from './resume.js';
import type { RunAbout, RunFile } from './run-file.js';
import type { RunPlan, StagePlan } from './run-plan.js';
import { openRunRecord, type RunRecord } from './run-record.js';
import { measure, type StageJob, type StageOutcome, trainStage } from './trainer.js';
import type { Tuner } from './tuner.js';

/** What {@link runStages} needs besides the tuner. */
export interface RunJob {
  /** Folder of the run; empty, or with the run to resume. */
  readonly folder: string;
  /** That this process alone writes to it, see `claimRunFolder`; the caller releases it. */
  readonly lock: FolderLock;
  readonly plan: RunPlan;
  readonly options: Pick<TrainOptions, 'evalEvery' | 'saveEvery' | 'keepLast' | 'logEvery' | 'onSpike'>;
  readonly optim: OptimOptions;
  readonly lora: LoraOptions;
  readonly base: AdapterBase;
  readonly about: RunAbout;
  /** Where the run goes on, see `findResumePoint`. */
  readonly resume?: ResumePoint | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A checkpoint whose own adapter is in the base weights now. */
interface Merged {
  readonly saved: Saved;
  readonly own: Adapter;
}

/** How a stage began, and where it goes on. */
interface Begin extends Pick<StageJob, 'stepsBefore' | 'from'> {
  readonly origin: StageOrigin;
  readonly merged: readonly Merged[];
}

/**
 * Trains all stages of a plan, each built from the base and the prior stage's adapter read back from disk, and yields what
 * happens; the same goes to `events.jsonl`, and what came of it to `run.json`, which is returned. Base
 * weights, adapter and moments that the tuner holds are replaced. When it fails or is interrupted, `run.json` says so.
 */
export async function* runStages(tuner: Tuner, job: RunJob): AsyncGenerator<TrainEvent, RunFile> {
  const record = await openRunRecord(job.folder, job.lock, job.plan, job.about, job.resume);
  try {
    yield* record.log(allStages(tuner, job, record));
    await record.close('done');
    return record.run;
  } catch (error) {
    const interrupted = error instanceof PhasetuneError && error.code === 'interrupted';
    // The first error counts: when the disk is full, run.json cannot be written either.
    await record.close(interrupted ? 'interrupted' : 'failed', error).catch(() => {});
    throw (!interrupted && (await lostFolder(job))) || withRemedy(error);
  } finally {
    // Open still only when the caller stopped listening.
    await record.close('interrupted');
  }
}

/** Why the run's folder is no longer its own, if that is so: whatever else failed then failed for it. */
const lostFolder = ({ lock }: RunJob): Promise<PhasetuneError | undefined> =>
  lock.check().then(
    () => undefined,
    (error: unknown) => (error instanceof PhasetuneError ? error : undefined),
  );

/** An error of the disk, with how to continue once it is fixed. */
function withRemedy(error: unknown): unknown {
  if (!(error instanceof PhasetuneError) || !error.fields.errno) return error;
  const message = `${error.message}; then go on from the last whole checkpoint with --resume`;
  return new PhasetuneError(error.code, message, error.fields, { cause: error });
}

async function* allStages(tuner: Tuner, job: RunJob, record: RunRecord): AsyncGenerator<TrainEvent, void> {
  const { plan, resume } = job;
  const { run } = record;
  if (resume) yield resumeEvent(plan, resume);
  const found = resume?.found;
  if (!found) yield* beginRun(tuner, job, record);
  const first = found?.checkpoint.state.stage ?? 1;
  let merged: readonly Merged[] = [];
  for (const stage of plan.stages.slice(first - 1)) {
    const goesOn = stage.stage === first ? found : undefined;
    const begin = goesOn
      ? await restoreStage(tuner, job, stage, goesOn)
      : await beginStage(tuner, job, stage, run.stages[stage.stage - 2], merged);
    merged = begin.merged;
    run.stages[stage.stage - 1]!.origin = begin.origin;
    await record.write();
    if (!goesOn) yield { type: 'stage', ...stage.summary, stages: plan.stages.length, origin: begin.origin };
    const outcome = yield* trainStage(tuner, stageJob(tuner, job, stage, begin, record));
    yield* endStage(stage, outcome, record);
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
async function* beginRun(tuner: Tuner, { plan, signal }: RunJob, { run }: RunRecord): AsyncGenerator<TrainEvent, void> {
  const stages = plan.stages.map(({ summary }) => summary);
  yield { type: 'run', order: plan.order, seed: plan.seed, stages, bands: plan.holdout?.bands ?? [] };
  await tuner.loadBase([]);
  tuner.reset('adapter', adapterSeed(plan, 1));
  if (!plan.holdout) return;
  const heldOut = yield* measure(tuner, plan.holdout, 0, 0, signal);
  if (!heldOut) throw new PhasetuneError('interrupted', 'interrupted before the first step; nothing was trained');
  const { losses, all } = heldOut;
  if (!Number.isFinite(all))
    throw new PhasetuneError(
      'failed',
      `the base model's loss on the held-out rows is ${all} before any training: its results are no numbers, whatever the rows and the learning rate are; get the model again, or try --precision float32`,
    );
  run.matrix?.rows.push({ after: 0, losses, all });
}

function resumeEvent({ stages }: RunPlan, { found }: ResumePoint): TrainEvent {
  const summaries = stages.map(({ summary }) => summary);
  if (!found) return { type: 'resume', stages: summaries, tokens: 0 };
  const { stage, progress } = found.checkpoint.state;
  const before = summaries.slice(0, stage - 1).reduce((n, { tokens }) => n + tokens, 0);
  const from = { stage, step: progress.step, path: found.saved.path };
  return { type: 'resume', from, stages: summaries, tokens: before + progress.tokens };
}

const stageJob = (tuner: Tuner, job: RunJob, plan: StagePlan, begin: Begin, record: RunRecord): StageJob => ({
  ...job.options,
  ...begin,
  plan,
  optim: job.optim,
  seed: job.plan.seed,
  holdout: job.plan.holdout,
  signal: job.signal,
  save: (progress, kind) => save(tuner, job, plan, begin, record, progress, kind),
  restore: async (saved) => restoreTensors(tuner, await readOwn(job, saved)),
});

async function* endStage(
  { stage }: StagePlan,
  { end, best, heldOut, consumed, skipped, tokens, seconds }: StageOutcome,
  { run, write }: RunRecord,
): AsyncGenerator<TrainEvent, void> {
  const speed = speedOf(tokens, seconds);
  const time = { seconds, ...(speed !== undefined && { tokensPerSecond: speed }) };
  const result: StageResult = { end, best, consumed, ...time };
  Object.assign(run.stages[stage - 1]!, result, skipped.length > 0 && { skipped });
  const row = heldOut && { after: stage, losses: heldOut.losses, all: heldOut.all };
  if (row) run.matrix?.rows.push(row);
  await write();
  yield { type: 'stage-end', stage, ...(row && { row }), consumed, ...time };
}

const adapterSeed = (plan: RunPlan, stage: number) => random(plan.seed, 'adapter', stage).integer(2 ** 31);

/** Puts base weights, adapter and moments in place, as the stage's options say. */
async function beginStage(
  tuner: Tuner,
  job: RunJob,
  { stage, options }: StagePlan,
  prior: StageResult | undefined,
  merged: readonly Merged[],
): Promise<Begin> {
  const seed = adapterSeed(job.plan, stage);
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
async function restoreStage(
  tuner: Tuner,
  job: RunJob,
  { stage }: StagePlan,
  { checkpoint, saved }: FoundCheckpoint,
): Promise<Begin> {
  const { kind, progress, origin, merged: paths } = checkpoint.state;
  const merged: Merged[] = [];
  for (const saved of paths) merged.push({ saved, own: (await readOwn(job, saved)).own });
  await tuner.loadBase(merged.map(({ own }) => own.tensors));
  tuner.reset('optimizer', adapterSeed(job.plan, stage));
  await restoreTensors(tuner, checkpoint);
  return { origin, merged, stepsBefore: 0, from: { saved, kind, progress } };
}

async function restoreTensors(tuner: Tuner, checkpoint: Checkpoint): Promise<void> {
  tuner.write('adapter', checkpoint.own.tensors);
  tuner.write('optimizer', await checkpoint.optimizer());
}

/** A checkpoint of this run, which must be the one that was written. */
async function readOwn(job: RunJob, { path, sha256 }: Saved): Promise<Checkpoint> {
  const folder = join(job.folder, path);
  const checkpoint = await readCheckpoint(folder, job.base.linears);
  refuseOther(folder, checkpoint.sha256, sha256);
  return checkpoint;
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
  { merged, origin }: Begin,
  record: RunRecord,
  progress: Progress,
  kind: CheckpointKind,
): Promise<Saved> {
  const { run } = record;
  const path = checkpointPath(stage, progress.step);
  await job.lock.check();
  // A checkpoint tells how many events were before it: they must not be lost when it is not.
  await record.flush();
  const state = {
    kind,
    stage,
    steps: batches.steps.length,
    plan: batches.hash,
    progress,
    origin,
    merged: merged.map(({ saved }) => saved),
    events: record.events(),
    seconds: record.seconds(),
    stages: run.stages.slice(0, stage - 1).map(resultOf),
    matrix: run.matrix?.rows ?? [],
  };
  const content = {
    own: { options: job.lora, tensors: await tuner.read('adapter') },
    merged: merged.map(({ own }) => own),
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

const resultOf = (stage: RunFile['stages'][number]): StageResult =>
  Object.fromEntries(
    Object.keys(stageResultSchema.shape).flatMap((key) =>
      key in stage ? [[key, stage[key as keyof StageResult]]] : [],
    ),
  );

/** Copies a checkpoint's adapter to where the user takes it away. */
async function keepAdapter({ folder, base }: RunJob, { path, sha256 }: Saved): Promise<Saved> {
  const from = join(folder, path);
  refuseOther(from, await hashFile(join(from, ADAPTER_FILES[0])), sha256);
  await copyAdapter(from, join(folder, 'adapter'), base.linears);
  return { path: 'adapter', sha256 };
}
