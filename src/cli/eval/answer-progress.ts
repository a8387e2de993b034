import { formatNumber } from '../../telemetry/format.js';
import type { ProgressBar, ProgressTask } from '../../telemetry/progress.js';
import type { AnswerSetsEvent } from '../../workflow/eval-answer-types.js';
import type { CommandContext } from '../command.js';
import { logAnswerPlan } from './answers.js';

/** Shows the events of answering: one bar at a time. `end` finishes the bar. */
export function showAnswering(context: CommandContext) {
  let bar: ProgressBar | undefined;
  let label: string | undefined;
  const end = (): void => {
    bar?.finish();
    bar = undefined;
  };
  const barOf = (task: ProgressTask): ProgressBar => {
    if (label !== task.label) end();
    label = task.label;
    bar ??= context.progress(task);
    return bar;
  };
  const show = (event: AnswerSetsEvent): void => {
    if (event.type === 'plan') {
      logAnswerPlan(event.plan, context);
      if (event.plan.answers.missing > 0) barOf({ ...ANSWERS, total: event.plan.answers.missing });
    }
    if (event.type === 'answers') {
      const { arm, run, set, done, total, tokensPerSecond } = event;
      const who = run > 1 ? `${arm} (run ${run})` : arm;
      barOf({ ...ANSWERS, total }).update(done, `${who}, ${set}, ${formatNumber(tokensPerSecond)} tokens/s`);
    }
    if (event.type === 'losses') {
      const { source, done, total, tokensPerSecond } = event;
      barOf({ ...LOSSES, total }).update(done, `${source}, ${formatNumber(tokensPerSecond)} tokens/s`);
    }
  };
  return { show, end };
}

const ANSWERS = { label: 'answers', unit: 'answers' } as const;
const LOSSES = { label: 'losses', unit: 'tokens' } as const;
