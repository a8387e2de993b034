import type { Task } from '../core/task.js';
import { formatCount, formatDuration, formatNumber } from '../telemetry/format.js';
import type { ProgressBar } from '../telemetry/progress.js';
import type { EvalEvent, EvalProgressEvent, SpikeEvent, StageSummary } from '../train/events.js';
import { formatLossMatrix } from '../train/forgetting.js';
import type { RunFile } from '../train/run-file.js';
import type { TrainEvent, TrainResult } from '../workflow/train-events.js';
import type { CommandContext } from './command.js';
import { showPlan } from './plan-display.js';

/** A held-out loss whose batches take longer than this is shown with a bar. */
const SLOW_BATCH_MS = 500;

/** Shows what happens in a run. */
export interface RunDisplay {
  show(event: TrainEvent): void;
  /** Ends bars that are still there. */
  close(): void;
}

type Show = Pick<CommandContext, 'logger' | 'print' | 'progress'>;

/**
 * Shows a run's events: a bar for the rows that are encoded and for each stage, with loss, speed and the time
 * that the run will still take, a bar for a measurement of the held-out loss that takes long, the plan as a
 * table, and what was measured as lines.
 */
export function runDisplay(context: Show): RunDisplay {
  const { logger, progress } = context;
  const steps = stageBars(context);
  const losses = lossBars(context);
  let encoding: ProgressBar | undefined;
  const show = (event: TrainEvent): void => {
    if (event.type === 'encode') {
      encoding ??= progress({ label: 'encode', total: event.of, unit: 'rows' });
      encoding.update(event.done);
      if (event.done === event.of) encoding.finish();
    } else if (event.type === 'plan') showPlan(event, context);
    else if (event.type === 'warning') logger.warn(event.message);
    else if (event.type === 'already-done')
      logger.info(`${event.folder}: the run is already done; there is nothing left to do`);
    else if (event.type === 'compile')
      logger.info(
        `each of ${event.programs} shapes of batches is compiled when it is first used: seconds, or minutes for a large model`,
      );
    else if (event.type === 'spike') logger.warn(spikeText(event));
    else if (event.type === 'eval' || event.type === 'eval-progress') losses.show(event);
    else if (event.type === 'checkpoint') logger.debug(`checkpoint (${event.kind}): ${event.path}`);
    else steps.show(event);
  };
  return {
    show(event) {
      show(event);
      losses.wait();
    },
    close() {
      encoding?.finish();
      losses.close();
      steps.close();
    },
  };
}

function spikeText({ stage, step, loss, action }: SpikeEvent): string {
  const then =
    action === 'rollback'
      ? 'the stage goes back to its last checkpoint, and leaves out the steps since then'
      : 'it is left out';
  return `stage ${stage}, step ${step}: the loss is ${loss.toFixed(3)}, so the step was skipped; ${then}`;
}

/** A bar for each stage, with what the whole run will still take. */
function stageBars({ logger, progress }: Show) {
  let bar: ProgressBar | undefined;
  let left = 0;
  const speed = { tokens: 0, seconds: 0 };
  const tokensOf = (stages: readonly StageSummary[]) => stages.reduce((n, { tokens }) => n + tokens, 0);
  const begin = (stage: number, stages: number, steps: number) => {
    bar = progress({ label: `stage ${stage} of ${stages}`, total: steps, unit: 'steps' });
  };
  return {
    show(event: TrainEvent): void {
      if (event.type === 'run') left = tokensOf(event.stages);
      else if (event.type === 'resume') {
        left = tokensOf(event.stages) - event.tokens;
        if (!event.from) logger.info('there is no whole checkpoint yet: the run starts from scratch');
        else {
          const { stage, step, path } = event.from;
          const { steps } = event.stages[stage - 1]!;
          logger.info(`continuing at step ${step} of ${steps} of stage ${stage}, from ${path}`);
          begin(stage, event.stages.length, steps);
          bar?.update(step);
        }
      } else if (event.type === 'stage') {
        if (event.stages > 1) logger.info(event.label);
        begin(event.stage, event.stages, event.steps);
      } else if (event.type === 'step') {
        left -= event.tokens;
        speed.tokens += event.tokens;
        speed.seconds += event.seconds;
        const rest = formatDuration((left * speed.seconds) / speed.tokens);
        const note = `loss ${event.loss.toFixed(3)}, ${formatNumber(event.tokensPerSecond)} tokens/s`;
        bar?.update(event.step, left > 0 ? `${note}, whole run: ${rest} left` : note);
        if (event.step === event.steps) bar?.finish();
      }
    },
    close: () => bar?.finish(),
  };
}

/** The held-out loss, and a bar while one that takes long is measured. */
function lossBars({ logger, progress }: Show) {
  let bar: ProgressBar | undefined;
  let before = performance.now();
  return {
    show(event: EvalEvent | EvalProgressEvent): void {
      if (event.type === 'eval-progress') {
        const slow = performance.now() - before > SLOW_BATCH_MS;
        if (slow) bar ??= progress({ label: 'held-out loss', total: event.of, unit: 'batches' });
        bar?.update(event.done);
        return;
      }
      bar?.finish();
      bar = undefined;
      const where = event.stage === 0 ? 'base' : `stage ${event.stage}, step ${event.step}`;
      logger.info(`held-out loss, ${where}: ${event.all.toFixed(4)}`);
      if (!Number.isFinite(event.all))
        logger.warn(`the held-out loss is ${event.all}: training has diverged; start again with a lower learning rate`);
    },
    /** What comes next is waited for from now on. */
    wait() {
      before = performance.now();
    },
    close: () => bar?.finish(),
  };
}

/** Shows what came of a run: losses, rows, speed, warnings, files. */
function showResult({ folder, adapter, run }: TrainResult, { logger, print }: Pick<Show, 'logger' | 'print'>): void {
  if (run.matrix) for (const line of ['', ...formatLossMatrix(run.matrix), '']) print(line);
  for (const line of ledgerLines(run)) print(line);
  const speed = run.tokensPerSecond === undefined ? '' : ` at ${formatNumber(run.tokensPerSecond)} tokens/s`;
  print(`trained in ${formatDuration(run.trainingSeconds!)}${speed}`);
  for (const warning of runWarnings(run)) logger.warn(warning);
  print(`adapter: ${adapter} (in PEFT's format)`);
  print(`the run's record: ${folder}/run.json, ${folder}/events.jsonl`);
}

/** Warnings of a finished run whose numbers do not mean what they seem to. */
export function runWarnings({ stages, matrix }: RunFile): string[] {
  const empty = stages.filter(({ steps, consumed }) => steps > 0 && consumed?.rows === 0);
  const diverged = (matrix?.rows ?? []).filter(({ all }) => !Number.isFinite(all)).map(({ after }) => `stage ${after}`);
  return [
    ...empty.map(
      ({ stage, steps }) =>
        `stage ${stage} trained nothing: none of its steps (${steps}) was kept, because losses or norms were not finite or spiked; lower the learning rate`,
    ),
    ...(diverged.length > 0
      ? [
          `the held-out loss after ${diverged.join(', ')} is not a finite number: training has diverged; lower the learning rate`,
        ]
      : []),
  ];
}

/** What a finished run consumed: rows, and whether they came as planned. */
function ledgerLines({ stages }: RunFile): string[] {
  const rows = formatCount(stages.reduce((n, { consumed }) => n + consumed!.rows, 0));
  const left = stages.flatMap(({ stage, skipped = [] }) => skipped.map((step) => `step ${step} of stage ${stage}`));
  const order = stages.map(({ consumed }) => consumed!.sha256.slice(0, 8)).join(' ');
  const asPlanned = stages.every(({ consumed, planned }) => consumed!.sha256 === planned.sha256);
  const how = asPlanned
    ? 'in the order planned'
    : left.length > 0
      ? `without ${left.join(', ')}`
      : 'in a different order than planned';
  return [`rows consumed: ${rows}, ${how} (${order})`];
}

/** Shows what happens while a run is trained, and what comes of it; the result as `--json` prints it. */
export async function showTraining(
  training: Task<TrainEvent, TrainResult>,
  context: CommandContext,
): Promise<Record<string, unknown>> {
  const display = runDisplay(context);
  try {
    for await (const event of training.events) display.show(event);
  } finally {
    display.close();
  }
  const result = await training.result;
  showResult(result, context);
  return { out: result.folder, ...result.run };
}
