import type { AskResult, AskTotals } from '../../endpoint/scheduler/ask-types.js';
import { formatCount, formatCounted, formatDollars, formatDuration, formatNumber } from '../../telemetry/format.js';
import type { ProgressBar, ProgressTask } from '../../telemetry/progress.js';
import type { ResolvedScoreOptions } from '../../workflow/score-options.js';
import type { ScoreEvent } from '../../workflow/score-types.js';
import type { CommandContext } from '../command.js';
import { logPlan } from './plan.js';

/** Shows the events of scoring: one bar at a time, and lines beside it. `end` finishes the bar. */
export function showScoring(context: CommandContext, options: Pick<ResolvedScoreOptions, 'maxCost'>) {
  const { logger } = context;
  const delayLines = createDelayLines();
  let bar: ProgressBar | undefined;
  let label: string | undefined;
  const end = () => {
    bar?.finish();
    bar = undefined;
  };
  const begin = (task: ProgressTask) => {
    if (label !== task.label) end();
    label = task.label;
    bar ??= context.progress(task);
    return bar;
  };
  const show = (event: ScoreEvent) => {
    if (event.type === 'plan') logPlan(event.plan, context);
    if (event.type === 'encode') begin({ label: 'encode', total: event.total, unit: 'rows' }).update(event.done);
    if (event.type === 'start') begin(taskOf(event.scorer, event.total));
    if (event.type === 'measure') {
      const speed = `${formatNumber(event.tokensPerSecond)} tokens/s`;
      begin(taskOf('loss', event.total)).update(event.tokens, speed);
    }
    if (event.type === 'answer') {
      const { totals, total, unreadable } = event;
      begin(taskOf('openai', total)).update(totals.answered + totals.failed, noteOf(totals, unreadable));
    }
    if (event.type === 'retry' || event.type === 'wait') for (const line of delayLines(event)) logger.warn(line);
    if (event.type === 'asked') {
      end();
      logAsked(event, options, context);
    }
  };
  return { show, end };
}

const taskOf = (scorer: 'openai' | 'loss', total: number): ProgressTask =>
  scorer === 'loss' ? { label: 'losses', total, unit: 'tokens' } : { label: 'judge', total, unit: 'questions' };

/** A wait of that many milliseconds is reported each time: nothing else is seen meanwhile. */
const LONG_WAIT_MS = 20_000;

/** The lines about requests that are sent again: about the first of each kind, and about each long wait. */
function createDelayLines(): (event: Extract<ScoreEvent, { type: 'retry' | 'wait' }>) => string[] {
  const seen = new Set<string>();
  return ({ type, failure, waitMs }) => {
    const known = seen.has(failure.kind);
    seen.add(failure.kind);
    const why = `${failure.kind}: ${failure.message}`;
    if (waitMs >= LONG_WAIT_MS) return [`${why}; all requests pause for ${formatDuration(waitMs / 1000)}`];
    if (known) return [];
    return [`${why}; ${type === 'wait' ? 'waiting, then retrying' : 'retrying'} (reported once)`];
  };
}

const noteOf = ({ cost, failed, retries, waits }: AskTotals, unreadable: number): string =>
  [
    cost ? formatDollars(cost) : '',
    failed > 0 ? `${formatCount(failed)} failed` : '',
    unreadable > 0 ? `${formatCount(unreadable)} unreadable` : '',
    retries > 0 ? `${formatCount(retries)} asked again` : '',
    waits > 0 ? formatCounted(waits, 'wait') : '',
  ]
    .filter(Boolean)
    .join(', ');

/** What asking took, and why it stopped early. */
function logAsked(
  { totals, stopped }: AskResult,
  { maxCost }: Pick<ResolvedScoreOptions, 'maxCost'>,
  { logger }: CommandContext,
): void {
  const { requests, retries, waits, promptTokens, replyTokens, cost, costBefore } = totals;
  if (requests > 0) {
    const again = retries > 0 ? `, ${formatCount(retries)} of them again` : '';
    const tokens = `${formatCount(promptTokens)} tokens in, ${formatCount(replyTokens)} out`;
    const waited = waits > 0 ? `, ${formatCounted(waits, 'wait')} for the endpoint` : '';
    const before = costBefore > 0 ? ` (${formatDollars(costBefore + (cost ?? 0))} with earlier runs)` : '';
    const spent = cost ? `, ${formatDollars(cost)}${before}` : '';
    logger.info(`${formatCounted(requests, 'request')}${again}${waited}, ${tokens}${spent}`);
  }
  if (stopped !== 'max-cost' || maxCost === undefined) return;
  const earlier = costBefore > 0 ? `, of which earlier runs spent ${formatDollars(costBefore)}` : '';
  logger.warn(
    `stopped before \`maxCost\` of ${formatDollars(maxCost)} could be exceeded${earlier}: not all rows were asked about; a larger \`maxCost\` asks about the rest`,
  );
}
