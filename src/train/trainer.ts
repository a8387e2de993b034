import { PhasetuneError } from '../core/errors.js';
import { random } from '../core/random.js';
import { type PlannedStep, rowIdsOf } from '../data/batch-plan.js';
import type { EncodedRow } from '../data/encoded.js';
import type { OptimOptions } from '../optim/options.js';
import { learningRateAt } from '../optim/schedule.js';
import type { Progress, Saved } from './checkpoint.js';
import type { CheckpointEvent, StepEvent, TrainEvent } from './events.js';
import { evaluateHoldout, type HeldOutLoss, type HoldoutPlan } from './holdout.js';
import type { StagePlan } from './plan.js';
import type { MicroBatch, Tuner } from './tuner.js';

/** What {@link trainStage} needs besides the tuner, which already holds the weights that the stage starts from. */
export interface StageJob {
  readonly plan: StagePlan;
  readonly rows: ReadonlyMap<string, EncodedRow>;
  readonly optim: OptimOptions;
  readonly seed: number;
  /** Optimizer steps behind the carried moments; 0 with fresh ones. */
  readonly stepsBefore: number;
  /** Steps between held-out losses, 0: at the end only. */
  readonly evalEvery: number;
  readonly logEvery: number;
  readonly holdout: HoldoutPlan | undefined;
  readonly signal: AbortSignal | undefined;
  /** Writes a checkpoint. */
  save(progress: Progress): Promise<Saved>;
  /** Removes one that is no longer the best. */
  discard(saved: Saved): Promise<void>;
}

/** What a stage came to. */
export interface StageOutcome {
  readonly end: Saved;
  /** The checkpoint with the least held-out loss over all bands; the end where none was measured before. */
  readonly best: Saved;
  /** At the end. */
  readonly heldOut?: HeldOutLoss;
  /** Time spent in optimizer steps. */
  readonly seconds: number;
}

/**
 * Trains one stage, yielding what happens. Throws with code `failed` when the loss is not finite, naming step and rows, and
 * with code `interrupted`, after a checkpoint, when the signal is aborted.
 */
export async function* trainStage(tuner: Tuner, job: StageJob): AsyncGenerator<TrainEvent, StageOutcome> {
  const { stage, batches } = job.plan;
  const count = batches.steps.length;
  const seeds = random(job.seed, 'dropout', stage);
  const meter = newMeter();
  let progress: Progress = {
    step: 0,
    optimizerStep: job.stepsBefore,
    tokens: 0,
    trainedTokens: 0,
    random: seeds.state(),
  };
  let best: { saved: Saved; loss: number } | undefined;
  for (const planned of batches.steps) {
    const step = progress.step + 1;
    const optimizerStep = job.stepsBefore + step;
    const learningRate = learningRateAt(job.optim, job.plan.schedule.before + step, job.plan.schedule.steps);
    const inputs = { learningRate, step: optimizerStep, seed: seeds.integer(2 ** 31) };
    const { loss, gradNorm } = await meter.time(() => tuner.step(microBatches(planned, job.rows), inputs));
    refuseNonFinite(loss, gradNorm, stage, step, planned);
    meter.add(planned, loss);
    if (step % job.logEvery === 0 || step === count)
      yield { type: 'step', stage, step, steps: count, ...meter.report(), learningRate, gradNorm };
    const { tokens, trainedTokens } = meter.total;
    progress = { step, optimizerStep, tokens, trainedTokens, random: seeds.state() };
    if (job.signal?.aborted) throw yield* interrupt(job, progress);
    if (!job.holdout || job.evalEvery === 0 || step % job.evalEvery > 0 || step === count) continue;
    const heldOut = yield* measure(tuner, job.holdout, stage, step, job.signal);
    if (!heldOut) throw yield* interrupt(job, progress);
    if (best && heldOut.all >= best.loss) continue;
    const previous = best?.saved;
    best = { saved: yield* save(job, progress, 'best'), loss: heldOut.all };
    if (previous) await job.discard(previous);
  }
  const end = yield* save(job, progress, 'end');
  const { seconds } = meter.total;
  if (!job.holdout) return { end, best: end, seconds };
  const heldOut = yield* measure(tuner, job.holdout, stage, count, job.signal);
  if (!heldOut) throw interruption(job, count, end);
  if (best && best.loss <= heldOut.all) return { end, best: best.saved, heldOut, seconds };
  if (best) await job.discard(best.saved);
  return { end, best: end, heldOut, seconds };
}

/** Measures the held-out loss and tells it as an `eval` event. Undefined when the signal was aborted on the way. */
export async function* measure(
  tuner: Tuner,
  plan: HoldoutPlan,
  stage: number,
  step: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<TrainEvent, HeldOutLoss | undefined> {
  const start = performance.now();
  const heldOut = yield* evaluateHoldout(tuner, plan, signal);
  if (heldOut) yield { type: 'eval', stage, step, ...heldOut, seconds: (performance.now() - start) / 1000 };
  return heldOut;
}

async function* save(
  job: StageJob,
  progress: Progress,
  kind: CheckpointEvent['kind'],
): AsyncGenerator<TrainEvent, Saved> {
  const saved = await job.save(progress);
  yield { type: 'checkpoint', stage: job.plan.stage, step: progress.step, kind, ...saved };
  return saved;
}

async function* interrupt(job: StageJob, progress: Progress): AsyncGenerator<TrainEvent, PhasetuneError> {
  return interruption(job, progress.step, yield* save(job, progress, 'interrupted'));
}

const interruption = ({ plan }: StageJob, step: number, { path }: Saved): PhasetuneError =>
  new PhasetuneError(
    'interrupted',
    `interrupted at step ${step} of ${plan.batches.steps.length} of stage ${plan.stage}; the adapter so far is in ${path}`,
    { stage: plan.stage, step, path },
  );

/** The micro-batches of a planned step, with the rows themselves. */
export const microBatches = (planned: PlannedStep, rows: ReadonlyMap<string, EncodedRow>): MicroBatch[] =>
  planned.microBatches.map(({ lines, shape }) => ({
    lines: lines.map((line) => line.map((id) => rows.get(id)!)),
    shape,
  }));

function refuseNonFinite(loss: number, gradNorm: number, stage: number, step: number, planned: PlannedStep): void {
  if (Number.isFinite(loss) && Number.isFinite(gradNorm)) return;
  const ids = planned.microBatches.flatMap(rowIdsOf);
  const named = ids.length > 8 ? `${ids.slice(0, 8).join(', ')} and ${ids.length - 8} more` : ids.join(', ');
  const what = Number.isFinite(loss) ? `the norm of the gradients is ${gradNorm}` : `the loss is ${loss}`;
  throw new PhasetuneError(
    'failed',
    `stage ${stage}, step ${step}: ${what} and training cannot go on; look at the rows of this step (${named}) or lower the learning rate`,
    { stage, step, rows: ids.join(' '), loss, gradNorm },
  );
}

/** Adds up loss, tokens and time: since the last report, and in all. */
function newMeter() {
  let since = { loss: 0, tokens: 0, trainedTokens: 0, seconds: 0 };
  const total = { tokens: 0, trainedTokens: 0, seconds: 0 };
  let epoch = 0;
  return {
    async time<T>(work: () => Promise<T>): Promise<T> {
      const start = performance.now();
      const result = await work();
      const seconds = (performance.now() - start) / 1000;
      since.seconds += seconds;
      total.seconds += seconds;
      return result;
    },
    add(planned: PlannedStep, mean: number): void {
      since.loss += mean * planned.trainedTokens;
      for (const sums of [since, total]) {
        sums.tokens += planned.tokens;
        sums.trainedTokens += planned.trainedTokens;
      }
      epoch = planned.epoch + 1;
    },
    report(): Pick<StepEvent, 'epoch' | 'loss' | 'tokens' | 'trainedTokens' | 'seconds' | 'tokensPerSecond'> {
      const { loss, tokens, trainedTokens, seconds } = since;
      since = { loss: 0, tokens: 0, trainedTokens: 0, seconds: 0 };
      return { epoch, loss: loss / trainedTokens, tokens, trainedTokens, seconds, tokensPerSecond: tokens / seconds };
    },
    total: total as Readonly<typeof total>,
  };
}
