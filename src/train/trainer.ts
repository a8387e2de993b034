import { PhasetuneError } from '../core/errors.js';
import { fromState, random } from '../core/random.js';
import { showSome } from '../core/shown.js';
import { rowIdsOf } from '../data/batch-plan.js';
import type { OptimOptions } from '../optim/options.js';
import { learningRateAt } from '../optim/schedule.js';
import type { CheckpointKind, SpikeEvent, TrainEvent } from './events.js';
import { evaluateHoldout, type HeldOutLoss, type HoldoutPlan } from './holdout.js';
import type { RowLedger, Saved } from './outcome.js';
import { advance, bestOf, isBetter, type Progress, startProgress, takeReport } from './progress.js';
import type { StagePlan } from './run-plan.js';
import { spikeWatch } from './spike.js';
import type { Tuner } from './tuner.js';

/** A checkpoint, and how far the stage was. */
export interface Point {
  readonly saved: Saved;
  readonly kind: CheckpointKind;
  readonly progress: Progress;
}

/** What {@link trainStage} needs besides the tuner, which already holds the weights that the stage starts from. */
export interface StageJob {
  readonly plan: StagePlan;
  readonly optim: OptimOptions;
  readonly seed: number;
  /** Updates behind the carried moments; 0 with fresh ones. */
  readonly stepsBefore: number;
  /** Where the stage goes on, the tuner holding what is saved there; absent: at its beginning. */
  readonly from?: Point | undefined;
  /** Steps between held-out losses, 0: at the end only. */
  readonly evalEvery: number;
  /** Steps between checkpoints, 0: before a held-out loss and at the end only. */
  readonly saveEvery: number;
  readonly logEvery: number;
  /** What is done about a loss that is not finite or jumps. */
  readonly onSpike: 'stop' | 'skip' | 'rollback';
  readonly holdout: HoldoutPlan | undefined;
  readonly signal: AbortSignal | undefined;
  /** Writes a checkpoint. */
  save(progress: Progress, kind: CheckpointKind): Promise<Saved>;
  /** Puts what is saved there into the tuner. */
  restore(saved: Saved): Promise<void>;
}

/** What a stage came to. */
export interface StageOutcome {
  readonly end: Saved;
  /** The checkpoint with the least held-out loss over all bands; the end where none was measured before. */
  readonly best: Saved;
  /** At the end. */
  readonly heldOut?: HeldOutLoss;
  readonly consumed: RowLedger;
  readonly skipped: readonly number[];
  /** Tokens of the steps that stayed. */
  readonly tokens: number;
  /** Time spent in optimizer steps. */
  readonly seconds: number;
}

/** Losses of a stage that may not be finite or jump before it stops after all. */
const MOST_SPIKES = 10;

/**
 * Trains one stage, yielding what happens. A checkpoint is of the moment right behind a step, before anything else that is due
 * there: whoever goes on from it does that first, and comes to the same end. Throws with code `failed` when the loss is not
 * finite or jumps, or memory runs out, naming step and rows, and with code `interrupted` when the signal is aborted, all after a
 * checkpoint.
 */
export async function* trainStage(tuner: Tuner, job: StageJob): AsyncGenerator<TrainEvent, StageOutcome> {
  const { stage, batches } = job.plan;
  let point = yield* beginOrGoOn(job);
  while (point.progress.step < batches.steps.length)
    point = yield* toNextCheckpoint(tuner, job, yield* compared(tuner, job, point));
  const { saved: end, progress } = point;
  const { consumed, skipped, tokens, seconds } = progress;
  const best = bestOf(progress);
  const outcome = { end, consumed, skipped, tokens, seconds };
  if (!job.holdout) return { ...outcome, best: end };
  const heldOut = yield* measure(tuner, job.holdout, stage, progress.step, job.signal, best);
  if (!heldOut) throw interruption(job, point);
  return { ...outcome, best: best && !isBetter(heldOut.all, best) ? best.saved : end, heldOut };
}

async function* beginOrGoOn(job: StageJob): AsyncGenerator<TrainEvent, Point> {
  const { stage } = job.plan;
  if (!job.from)
    return yield* save(job, startProgress(random(job.seed, 'dropout', stage).state(), job.stepsBefore), 'begin');
  const { kind, saved, progress } = job.from;
  // What came behind the checkpoint in the log is told anew; one made for an interruption is not told of.
  if (kind !== 'interrupted') yield { type: 'checkpoint', stage, step: progress.step, kind, ...saved };
  return job.from;
}

/** Measures the held-out loss where it is due behind a checkpoint, and remembers that as the best if it is. */
async function* compared(tuner: Tuner, job: StageJob, point: Point): AsyncGenerator<TrainEvent, Point> {
  const { progress, saved } = point;
  if (!job.holdout || !evalDue(job, progress.step)) return point;
  const best = bestOf(progress);
  const heldOut = yield* measure(tuner, job.holdout, job.plan.stage, progress.step, job.signal, best);
  if (!heldOut) throw interruption(job, point);
  if (!isBetter(heldOut.all, best)) return point;
  return { ...point, progress: { ...progress, best: { saved, loss: heldOut.all } } };
}

const isEnd = ({ plan }: StageJob, step: number): boolean => step === plan.batches.steps.length;
const every = (steps: number, step: number): boolean => steps > 0 && step > 0 && step % steps === 0;
const evalDue = (job: StageJob, step: number): boolean =>
  job.holdout !== undefined && every(job.evalEvery, step) && !isEnd(job, step);
const saveDue = (job: StageJob, step: number): boolean =>
  every(job.saveEvery, step) || evalDue(job, step) || isEnd(job, step);

/** Steps until a checkpoint is due, and makes it. */
async function* toNextCheckpoint(tuner: Tuner, job: StageJob, from: Point): AsyncGenerator<TrainEvent, Point> {
  let { progress } = from;
  do {
    try {
      progress = yield* takeStep(tuner, job, progress, from);
    } catch (error) {
      if (!(error instanceof PhasetuneError && error.fields.outOfMemory)) throw error;
      throw memoryError(job, progress, error, yield* save(job, progress, 'interrupted', from));
    }
    if (!job.signal?.aborted) continue;
    const kind = saveDue(job, progress.step) ? kindAt(job, progress.step) : 'interrupted';
    throw interruption(job, yield* save(job, progress, kind, from));
  } while (!saveDue(job, progress.step) || progress.step === from.progress.step);
  return yield* save(job, progress, kindAt(job, progress.step));
}

const kindAt = (job: StageJob, step: number): CheckpointKind => (isEnd(job, step) ? 'end' : 'step');

/** One step of the plan, or what is done instead of it. `from`: the last checkpoint. */
async function* takeStep(tuner: Tuner, job: StageJob, at: Progress, from: Point): AsyncGenerator<TrainEvent, Progress> {
  const { stage, batches, schedule } = job.plan;
  const planned = batches.steps[at.step]!;
  const step = at.step + 1;
  const seeds = fromState(at.random);
  const seed = seeds.integer(2 ** 31);
  const behind = { step, random: seeds.state() };
  if (at.skipped.includes(step)) return { ...at, ...behind };
  const learningRate = learningRateAt(job.optim, schedule.before + step, schedule.steps);
  const watch = spikeWatch(at.losses);
  const lossLimit = watch.limit();
  const inputs = { learningRate, step: at.optimizerStep + 1, seed, lossLimit };
  const start = performance.now();
  const { loss, gradNorm, applied } = await tuner.step(planned.microBatches, inputs);
  if (!applied) {
    const rows = planned.microBatches.flatMap(rowIdsOf);
    const spike = { type: 'spike', stage, step, action: job.onSpike, loss, lossLimit, gradNorm, rows } as const;
    return yield* handleSpike(job, at, from, spike);
  }
  watch.add(loss);
  const seconds = (performance.now() - start) / 1000;
  const next = { ...advance(at, planned, loss, seconds), ...behind, losses: [...watch.state()] };
  if (step % job.logEvery > 0 && !isEnd(job, step)) return next;
  const [told, now] = takeReport(next);
  const epoch = planned.epoch + 1;
  yield { type: 'step', stage, step, steps: batches.steps.length, epoch, ...told, learningRate, gradNorm };
  return now;
}

/**
 * The update was held back: stops, leaves the step out, or goes back to the last checkpoint and leaves out all steps from there to
 * this one, as for PaLM (Chowdhery et al. 2022, section 5.1): what led to a jump may lie some steps before it.
 */
async function* handleSpike(
  job: StageJob,
  at: Progress,
  from: Point,
  spike: SpikeEvent,
): AsyncGenerator<TrainEvent, Progress> {
  if (spike.action === 'stop' || at.spikes >= MOST_SPIKES) {
    const { saved } = yield* save(job, at, 'interrupted', from);
    throw spikeError(spike, at.spikes, saved);
  }
  yield spike;
  const spikes = at.spikes + 1;
  if (spike.action === 'skip') return { ...at, skipped: [...at.skipped, spike.step], spikes };
  await job.restore(from.saved);
  const since = Array.from({ length: spike.step - from.progress.step }, (_, i) => from.progress.step + 1 + i);
  return { ...from.progress, skipped: [...new Set([...at.skipped, ...since])], spikes };
}

/** Measures the held-out loss and tells it as an `eval` event. Undefined when the signal was aborted on the way. */
export async function* measure(
  tuner: Tuner,
  plan: HoldoutPlan,
  stage: number,
  step: number,
  signal: AbortSignal | undefined,
  best?: Progress['best'],
): AsyncGenerator<TrainEvent, HeldOutLoss | undefined> {
  const start = performance.now();
  const heldOut = yield* evaluateHoldout(tuner, plan, signal);
  if (!heldOut) return undefined;
  const seconds = (performance.now() - start) / 1000;
  yield { type: 'eval', stage, step, ...heldOut, best: isBetter(heldOut.all, best), seconds };
  return heldOut;
}

/** Makes a checkpoint, unless nothing was done since the last one. */
async function* save(
  job: StageJob,
  progress: Progress,
  kind: CheckpointKind,
  last?: Point,
): AsyncGenerator<TrainEvent, Point> {
  if (last?.progress.step === progress.step) return last;
  const saved = await job.save(progress, kind);
  yield { type: 'checkpoint', stage: job.plan.stage, step: progress.step, kind, ...saved };
  return { saved, kind, progress };
}

const interruption = ({ plan }: StageJob, { progress: { step }, saved: { path } }: Point): PhasetuneError =>
  new PhasetuneError(
    'interrupted',
    `interrupted at step ${step} of ${plan.batches.steps.length} of stage ${plan.stage}; all is saved in ${path}: go on with --resume`,
    { stage: plan.stage, step, path },
  );

const memoryError = ({ plan }: StageJob, { step }: Progress, error: PhasetuneError, { saved: { path } }: Point) =>
  new PhasetuneError(
    'failed',
    `stage ${plan.stage}, step ${step + 1}: ${error.message}; the state before it is in ${path}: go on with --resume --force and what you lowered`,
    { ...error.fields, stage: plan.stage, step: step + 1, path },
    { cause: error },
  );

function spikeError(spike: SpikeEvent, spikes: number, { path }: Saved): PhasetuneError {
  const { stage, step, loss, lossLimit, gradNorm, rows } = spike;
  const named = showSome(rows, 8);
  const what = !Number.isFinite(loss)
    ? `the loss is ${loss}`
    : !Number.isFinite(gradNorm)
      ? `the norm of the gradients is ${gradNorm}`
      : `the loss jumped to ${loss.toFixed(2)} (over ${lossLimit.toFixed(2)}, which the losses before allow)`;
  const before = spikes > 0 ? `, as ${spikes} times before in this stage` : '';
  return new PhasetuneError(
    'failed',
    `stage ${stage}, step ${step}: ${what}${before}; its update was not made, the state before it is in ${path}. Look at the rows of this step (${named}), lower the learning rate, or go on with --resume --on-spike skip`,
    { stage, step, rows: rows.join(' '), loss, gradNorm, path },
  );
}
