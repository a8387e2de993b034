import type { BatchShape } from '../data/batch-shapes.js';
import { formatCount, formatDuration, formatNumber } from '../telemetry/format.js';
import type { ProgressBar } from '../telemetry/progress.js';
import type { EntryBatches } from '../train/entry-shapes.js';
import type { StageSummary, TrainEvent } from '../train/events.js';
import type { RunFile } from '../train/run-file.js';
import type { CommandContext } from './command.js';

/** A held-out loss whose batches take longer than this is shown with a bar. */
const SLOW_BATCH_MS = 500;

/**
 * Passes a run's events on and shows them: a bar a stage with loss, speed and the time that the run will still take, a bar
 * for a measurement of the held-out loss that takes its time, and what was measured as lines.
 */
export async function* showRun<T>(
  events: AsyncGenerator<TrainEvent, T>,
  { logger, progress }: Pick<CommandContext, 'logger' | 'progress'>,
): AsyncGenerator<TrainEvent, T> {
  let stageBar: ProgressBar | undefined;
  let evalBar: ProgressBar | undefined;
  let left = 0;
  let before = performance.now();
  const speed = { tokens: 0, seconds: 0 };
  const show = (event: TrainEvent) => {
    if (event.type === 'run') left = event.stages.reduce((n, { tokens }) => n + tokens, 0);
    else if (event.type === 'resume') {
      left = event.stages.reduce((n, { tokens }) => n + tokens, 0) - event.tokens;
      if (!event.from) logger.info('no whole checkpoint is there yet: the run begins anew');
      else {
        const { stage, step, path } = event.from;
        const { steps } = event.stages[stage - 1]!;
        logger.info(`going on at step ${step} of ${steps} of stage ${stage}, from ${path}`);
        stageBar = progress({ label: `stage ${stage} of ${event.stages.length}`, total: steps, unit: 'steps' });
        stageBar.update(step);
      }
    } else if (event.type === 'spike') {
      const { stage, step, loss, action } = event;
      const then =
        action === 'rollback'
          ? 'the stage goes back to its last checkpoint, and leaves out the steps since then'
          : 'it is left out';
      logger.warn(`stage ${stage}, step ${step}: the loss is ${loss.toFixed(3)}, so the step was not made; ${then}`);
    } else if (event.type === 'stage') {
      if (event.stages > 1) logger.info(event.label);
      stageBar = progress({ label: `stage ${event.stage} of ${event.stages}`, total: event.steps, unit: 'steps' });
    } else if (event.type === 'step') {
      left -= event.tokens;
      speed.tokens += event.tokens;
      speed.seconds += event.seconds;
      const rest = formatDuration((left * speed.seconds) / speed.tokens);
      const note = `loss ${event.loss.toFixed(3)}, ${formatNumber(event.tokensPerSecond)} tokens/s`;
      stageBar?.update(event.step, left > 0 ? `${note}, whole run done in ${rest}` : note);
      if (event.step === event.steps) stageBar?.finish();
    } else if (event.type === 'eval-progress') {
      const slow = performance.now() - before > SLOW_BATCH_MS;
      if (slow) evalBar ??= progress({ label: 'held-out loss', total: event.of, unit: 'batches' });
      evalBar?.update(event.done);
    } else if (event.type === 'eval') {
      evalBar?.finish();
      evalBar = undefined;
      const where = event.stage === 0 ? 'base' : `stage ${event.stage}, step ${event.step}`;
      logger.info(`held-out loss, ${where}: ${event.all.toFixed(4)}`);
      if (!Number.isFinite(event.all))
        logger.warn(`the held-out loss is ${event.all}: training has diverged; begin again with a lower learning rate`);
    } else if (event.type === 'checkpoint') logger.debug(`checkpoint (${event.kind}): ${event.path}`);
  };
  try {
    for (;;) {
      const next = await events.next();
      if (next.done) return next.value;
      show(next.value);
      before = performance.now();
      yield next.value;
    }
  } finally {
    evalBar?.finish();
    stageBar?.finish();
    await events.return(undefined as T);
  }
}

/** The shapes that batches are computed in: `lines x tokens of a line (trained tokens at most)`, most tokens first. */
export function shapeLines({ trainStep, accumulate, evalLoss }: EntryBatches): string[] {
  const tokens = ({ lines, length }: BatchShape) => lines * length;
  const line = (what: string, shapes: readonly BatchShape[]) => {
    const told = shapes
      .toSorted((x, y) => tokens(y) - tokens(x))
      .map(({ lines, length, targets }) => `${lines} x ${length} (${targets})`);
    return shapes.length > 0 ? [`${what}: ${told.join(', ')}`] : [];
  };
  return [
    ...line('batches, lines x tokens (trained at most)', [...trainStep, ...accumulate]),
    ...line('held-out batches', evalLoss),
  ];
}

/** The stages of a plan as a table: rows, steps, tokens, trained tokens of a step, share of padding among the positions computed. */
export function planTable(stages: readonly StageSummary[]): string[] {
  const sum = (of: (stage: StageSummary) => number) => stages.reduce((n, stage) => n + of(stage), 0);
  const total: StageSummary = {
    stage: 0,
    label: 'total',
    rows: sum(({ rows }) => rows),
    replayed: sum(({ replayed }) => replayed),
    steps: sum(({ steps }) => steps),
    tokens: sum(({ tokens }) => tokens),
    trainedTokens: sum(({ trainedTokens }) => trainedTokens),
    paddedTokens: sum(({ paddedTokens }) => paddedTokens),
  };
  const cells = (stage: StageSummary) => [
    stage.label,
    formatCount(stage.rows),
    formatCount(stage.replayed),
    formatCount(stage.steps),
    formatCount(stage.tokens),
    formatCount(stage.trainedTokens),
    `${Math.round(100 * (1 - stage.tokens / stage.paddedTokens))} %`,
  ];
  const heads = ['', 'rows', 'replayed', 'steps', 'tokens', 'trained', 'padding'];
  const lines = [heads, ...stages.map(cells), ...(stages.length > 1 ? [cells(total)] : [])];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines.map((line) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  '),
  );
}

/** What is to be said about a finished run whose numbers do not mean what they seem to, in plain words. */
export function runWarnings({ stages, matrix }: RunFile): string[] {
  const empty = stages.filter(({ steps, consumed }) => steps > 0 && consumed?.rows === 0);
  const diverged = (matrix?.rows ?? []).filter(({ all }) => !Number.isFinite(all)).map(({ after }) => `stage ${after}`);
  return [
    ...empty.map(
      ({ stage, steps }) =>
        `stage ${stage} trained nothing: none of its steps (${steps}) stayed, since losses or norms were not finite or jumped; lower the learning rate`,
    ),
    ...(diverged.length > 0
      ? [
          `the held-out loss after ${diverged.join(', ')} is no finite number: training has diverged; lower the learning rate`,
        ]
      : []),
  ];
}

/** What a finished run consumed: rows, and whether they came as planned. */
export function ledgerLines({ stages }: RunFile): string[] {
  const rows = formatCount(stages.reduce((n, { consumed }) => n + consumed!.rows, 0));
  const left = stages.flatMap(({ stage, skipped = [] }) => skipped.map((step) => `step ${step} of stage ${stage}`));
  const order = stages.map(({ consumed }) => consumed!.sha256.slice(0, 8)).join(' ');
  const asPlanned = stages.every(({ consumed, planned }) => consumed!.sha256 === planned.sha256);
  const how = asPlanned
    ? 'in the order planned'
    : left.length > 0
      ? `without ${left.join(', ')}`
      : 'in another order than planned';
  return [`rows consumed: ${rows}, ${how} (${order})`];
}
