import { formatNumber } from '../../telemetry/format.js';
import type { ProgressBar, ProgressTask } from '../../telemetry/progress.js';
import type { ResolvedScoreOptions } from '../../workflow/score-options.js';
import type { ScoreEvent } from '../../workflow/score-types.js';
import { createDelayLines, logAsked, noteOf } from '../asking.js';
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
