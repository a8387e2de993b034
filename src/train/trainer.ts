import { PhasetuneError } from '../core/errors.js';
import { fromState, random } from '../core/random.js';
import type { Remedy } from '../core/remedies.js';
import { showSome } from '../core/shown.js';
import { rowIdsOf } from '../data/batch-plan.js';
import type { OptimOptions } from '../optim/options.js';
import { learningRateAt } from '../optim/schedule.js';
import type { CheckpointKind, RunEvent, SpikeEvent } from './events.js';
import { evaluateHoldout, type HeldOutLosses, type HoldoutPlan } from './holdout.js';
import type { RowLedger, Saved } from './outcome.js';
import { advance, bestOf, isBetter, type Progress, startProgress, takeReport } from './progress.js';
import type { StagePlan } from './run-plan.js';
import { spikeWatch } from './spike.js';
import type { Tuner } from './tuner.js';

/** A checkpoint and the progress that is saved in it. */
export interface SavedProgress {
  readonly saved: Saved;
  readonly kind: CheckpointKind;
  readonly progress: Progress;
}

/** What {@link trainStage} needs apart from the tuner, which already holds the weights that the stage starts from. */
export interface StageJob {
  readonly plan: StagePlan;
  readonly optim: OptimOptions;
  readonly seed: number;
  /** Updates that carried moments have seen; 0 for fresh ones. */
  readonly stepsBefore: number;
  /** The checkpoint to resume from, which the tuner already holds; absent at the start of a stage. */
  readonly from?: SavedProgress | undefined;
  /** Steps between held-out losses; 0 measures at the end only. */
  readonly evalEvery: number;
  /** Steps between checkpoints; 0 saves only before a held-out loss and at the end. */
  readonly saveEvery: number;
  readonly logEvery: number;
  /** What to do about a loss that is not finite or jumps. */
  readonly onSpike: 'stop' | 'skip' | 'rollback';
  readonly holdout: HoldoutPlan | undefined;
  readonly signal: AbortSignal | undefined;
  /** Writes a checkpoint. */
  save(progress: Progress, kind: CheckpointKind): Promise<Saved>;
  /** Puts a checkpoint's tensors back into the tuner. */
  restore(saved: Saved): Promise<void>;
}

/** The result of a stage. */
export interface StageOutcome {
  readonly end: Saved;
  /** The checkpoint with the lowest held-out loss over all bands; the end where none was measured before. */
  readonly best: Saved;
  /** At the end of the stage. */
  readonly heldOut?: HeldOutLosses;
  readonly consumed: RowLedger;
  readonly skipped: readonly number[];
  /** Tokens of the steps that were applied. */
  readonly tokens: number;
  /** Time spent in optimizer steps. */
  readonly seconds: number;
}

/** Spikes after which a stage stops whatever `onSpike` says. */
const MOST_SPIKES = 10;

/**
 * Trains one stage, yielding what happens. A checkpoint holds the state right after a step, before
 * anything else that is due there: a run that resumes from it does that first, and ends with the
 * same bytes. Throws with code `failed` when the loss is not finite or jumps, or memory runs out,
 * naming step and rows, and with code `interrupted` when the signal is aborted; each time after
 * writing a checkpoint.
 */
export async function* trainStage(tuner: Tuner, job: StageJob): AsyncGenerator<RunEvent, StageOutcome> {
  const { stage, batches } = job.plan;
  let point = yield* startOrResume(job);
  while (point.progress.step < batches.steps.length)
    point = yield* trainToCheckpoint(tuner, job, yield* evaluateIfDue(tuner, job, point));
  const { saved: end, progress } = point;
  const { consumed, skipped, tokens, seconds } = progress;
  const best = bestOf(progress);
  const outcome = { end, consumed, skipped, tokens, seconds };
  if (!job.holdout) return { ...outcome, best: end };
  const heldOut = yield* measure(tuner, job.holdout, stage, progress.step, job.signal, best);
  if (!heldOut) throw interruption(job, point);
  return { ...outcome, best: best && !isBetter(heldOut.all, best) ? best.saved : end, heldOut };
}

async function* startOrResume(job: StageJob): AsyncGenerator<RunEvent, SavedProgress> {
  const { stage } = job.plan;
  if (!job.from)
    return yield* save(job, startProgress(random(job.seed, 'dropout', stage).state(), job.stepsBefore), 'begin');
  const { kind, saved, progress } = job.from;
  // Events after the checkpoint are repeated. A checkpoint made only because of an interruption has no event.
  if (kind !== 'interrupted') yield { type: 'checkpoint', stage, step: progress.step, kind, ...saved };
  return job.from;
}

/** Measures the held-out loss if that is due after a checkpoint; the progress then knows the best checkpoint. */
async function* evaluateIfDue(
  tuner: Tuner,
  job: StageJob,
  point: SavedProgress,
): AsyncGenerator<RunEvent, SavedProgress> {
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

/** Takes steps until a checkpoint is due, and saves it. */
async function* trainToCheckpoint(
  tuner: Tuner,
  job: StageJob,
  from: SavedProgress,
): AsyncGenerator<RunEvent, SavedProgress> {
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

/** One step of the plan, or what happens instead of it. `from` is the last checkpoint. */
async function* takeStep(
  tuner: Tuner,
  job: StageJob,
  progress: Progress,
  from: SavedProgress,
): AsyncGenerator<RunEvent, Progress> {
  const { stage, batches, schedule } = job.plan;
  const planned = batches.steps[progress.step]!;
  const step = progress.step + 1;
  const seeds = fromState(progress.random);
  const seed = seeds.integer(2 ** 31);
  const position = { step, random: seeds.state() };
  if (progress.skipped.includes(step)) return { ...progress, ...position };
  const learningRate = learningRateAt(job.optim, schedule.before + step, schedule.steps);
  const watch = spikeWatch(progress.losses);
  const lossLimit = watch.limit();
  const inputs = { learningRate, step: progress.optimizerStep + 1, seed, lossLimit };
  const start = performance.now();
  const { loss, gradNorm, applied } = await tuner.step(planned.microBatches, inputs);
  if (!applied) {
    const rows = planned.microBatches.flatMap(rowIdsOf);
    const spike = { type: 'spike', stage, step, action: job.onSpike, loss, lossLimit, gradNorm, rows } as const;
    return yield* handleSpike(job, progress, from, spike);
  }
  watch.add(loss);
  const seconds = (performance.now() - start) / 1000;
  const next = { ...advance(progress, planned, loss, seconds), ...position, losses: [...watch.state()] };
  if (step % job.logEvery > 0 && !isEnd(job, step)) return next;
  const [report, afterReport] = takeReport(next);
  const epoch = planned.epoch + 1;
  yield { type: 'step', stage, step, steps: batches.steps.length, epoch, ...report, learningRate, gradNorm };
  return afterReport;
}

/**
 * After an update that was not made: stops, skips the step, or returns to the last checkpoint and
 * skips all steps from there to this one, as for PaLM (Chowdhery et al. 2022, section 5.1), because
 * what caused a spike may lie some steps before it.
 */
async function* handleSpike(
  job: StageJob,
  progress: Progress,
  from: SavedProgress,
  spike: SpikeEvent,
): AsyncGenerator<RunEvent, Progress> {
  if (spike.action === 'stop' || progress.spikes >= MOST_SPIKES) {
    const { saved } = yield* save(job, progress, 'interrupted', from);
    throw spikeError(spike, progress.spikes, saved);
  }
  yield spike;
  const spikes = progress.spikes + 1;
  if (spike.action === 'skip') return { ...progress, skipped: [...progress.skipped, spike.step], spikes };
  await job.restore(from.saved);
  const since = Array.from({ length: spike.step - from.progress.step }, (_, i) => from.progress.step + 1 + i);
  return { ...from.progress, skipped: [...new Set([...progress.skipped, ...since])], spikes };
}

/** Measures the held-out loss and reports it as an `eval` event. Undefined when the signal was aborted meanwhile. */
export async function* measure(
  tuner: Tuner,
  plan: HoldoutPlan,
  stage: number,
  step: number,
  signal: AbortSignal | undefined,
  best?: Progress['best'],
): AsyncGenerator<RunEvent, HeldOutLosses | undefined> {
  const start = performance.now();
  const heldOut = yield* evaluateHoldout(tuner, plan, signal);
  if (!heldOut) return undefined;
  const seconds = (performance.now() - start) / 1000;
  const { losses, all } = heldOut;
  yield { type: 'eval', stage, step, losses, all, best: isBetter(all, best), seconds };
  return heldOut;
}

/** Saves a checkpoint, unless nothing was done since the last one. */
async function* save(
  job: StageJob,
  progress: Progress,
  kind: CheckpointKind,
  last?: SavedProgress,
): AsyncGenerator<RunEvent, SavedProgress> {
  if (last?.progress.step === progress.step) return last;
  const saved = await job.save(progress, kind);
  yield { type: 'checkpoint', stage: job.plan.stage, step: progress.step, kind, ...saved };
  return { saved, kind, progress };
}

const RESUME: Remedy = { option: 'resume', change: 'set', note: 'to continue' };

const interruption = ({ plan }: StageJob, { progress: { step }, saved: { path } }: SavedProgress): PhasetuneError =>
  new PhasetuneError(
    'interrupted',
    `interrupted at step ${step} of ${plan.batches.steps.length} of stage ${plan.stage}; all is saved in ${path}`,
    { stage: plan.stage, step, path, remedies: [RESUME] },
  );

const memoryError = (
  { plan }: StageJob,
  { step }: Progress,
  error: PhasetuneError,
  { saved: { path } }: SavedProgress,
) =>
  new PhasetuneError(
    'failed',
    `stage ${plan.stage}, step ${step + 1}: ${error.problem}; the state before it is in ${path}, from which \`resume\` and \`force\` continue with other options`,
    { ...error.fields, stage: plan.stage, step: step + 1, path },
    { cause: error },
  );

function spikeError(spike: SpikeEvent, spikes: number, { path }: Saved): PhasetuneError {
  const { stage, step, loss, lossLimit, gradNorm, rows } = spike;
  const what = !Number.isFinite(loss)
    ? `the loss is ${loss}`
    : !Number.isFinite(gradNorm)
      ? `the norm of the gradients is ${gradNorm}`
      : `the loss spiked to ${loss.toFixed(2)} (over the limit of ${lossLimit.toFixed(2)} that the losses before it give)`;
  const before = spikes > 0 ? `, as ${spikes} times before in this stage` : '';
  return new PhasetuneError(
    'failed',
    `stage ${stage}, step ${step}: ${what}${before}; its update was not made, the state before it is in ${path}`,
    {
      stage,
      step,
      rows: rows.join(' '),
      loss,
      gradNorm,
      path,
      remedies: [
        { advice: `look at the rows of this step (${showSome(rows, 8)})` },
        { option: 'optim.learningRate', change: 'lower' },
        { advice: 'continue with `resume` and `onSpike: skip`' },
      ],
    },
  );
}
