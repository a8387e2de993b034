import type { OptimOptions } from '../optim/options.js';
import { warmupSteps } from '../optim/schedule.js';
import { formatNumber } from '../telemetry/format.js';
import type { TrainOptions } from './options.js';
import type { RunPlan } from './run-plan.js';

/** Warnings of options that have no effect in a plan, or less than they seem to have; empty when there are none. */
export function planWarnings(
  plan: Pick<RunPlan, 'stages' | 'holdout'>,
  options: Pick<TrainOptions, 'evalEvery' | 'order' | 'smoothness' | 'replay' | 'stages'> & {
    readonly optim: Pick<OptimOptions, 'warmup'>;
  },
): string[] {
  const warnings: string[] = [];
  if (!plan.holdout) warnings.push('no rows are held out: there will be no held-out loss');
  if (plan.stages.some((stage) => stage.options.start === 'previous-best') && !(plan.holdout && options.evalEvery > 0))
    warnings.push('`start: previous-best` is the same as `start: previous-end` without held-out rows and `evalEvery`');
  for (const { stage, batches, schedule } of plan.stages) {
    const steps = batches.steps.length;
    const warmup = warmupSteps(options.optim.warmup, schedule.steps);
    if (schedule.before + steps > warmup) continue;
    // The first of w warm-up steps has learning rate 0, as in transformers: a schedule that is one such step does nothing.
    const highest = (schedule.before + steps - 1) / warmup;
    warnings.push(
      highest === 0
        ? `stage ${stage} has a single step, and warm-up starts at learning rate 0: it trains nothing; give it more steps, or set \`optim.warmup: 0\``
        : `stage ${stage} ends within the ${warmup} steps of warm-up: its learning rate reaches at most ${formatNumber(100 * highest)} % of the setting; give it more steps, or lower \`optim.warmup\``,
    );
  }
  const { order, smoothness } = options;
  if (smoothness > 0 && (order === 'one-off' || order === 'random'))
    warnings.push(`\`smoothness\` does nothing with \`order: ${order}\`: its stages are mixed already`);
  if (asksForReplay(options) && plan.stages.every(({ summary }) => summary.replayed === 0))
    warnings.push('`replay` does nothing: the stages that ask for it have no rows of earlier stages to visit again');
  return warnings;
}

const asksForReplay = ({ replay, stages }: Pick<TrainOptions, 'replay' | 'stages'>): boolean =>
  [replay, stages.map((stage) => stage.replay ?? 0)].flat().some((share) => share > 0);
