import type { TaskProgress } from '../../../workflow/hooks.js';
import { planTraining, train } from '../../../workflow/train.js';
import type { TrainingOptions } from '../../../workflow/train-options.js';
import type { CommandContext, Run } from '../../command.js';
import { watchBeside } from '../../live/beside.js';
import { showPlan } from '../../plan-display.js';
import { showTraining } from '../../run-display.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ dryRun, watch, ...options }, context) => {
  if (dryRun) return showPlanned(options, context);
  if (watch) await watchBeside(options.out, context);
  return trainShown(options, context);
};

/** Shows what a run would do. */
async function showPlanned(options: TrainingOptions, context: CommandContext): Promise<Record<string, unknown>> {
  const { logger, signal, verbose, progress } = context;
  let bar: ReturnType<CommandContext['progress']> | undefined;
  const onProgress = ({ label, done, total, ended }: TaskProgress) => {
    bar ??= progress({ label, total, unit: 'rows' });
    bar.update(done);
    if (ended) bar.finish();
  };
  const plan = await planTraining(options, { logger, signal, verbose, onProgress }).finally(() => bar?.finish());
  showPlan(plan, context);
  const { recipe, order, stages, shapes, division, bands, report } = plan;
  const { microBatches, evalRows, gradientCheckpointing = false } = recipe;
  const forecast = plan.memory?.forecast;
  const otherwise = plan.memory?.otherwise;
  const memory = forecast && {
    ...forecast,
    microBatches,
    evalRows,
    gradientCheckpointing,
    ...(otherwise && { otherwise }),
  };
  return {
    dryRun: true,
    order,
    stages,
    shapes,
    ...(division && { division }),
    bands,
    ...(memory && { memory }),
    ...(plan.precision && { precision: plan.precision }),
    report,
  };
}

/** Trains, and shows what happens and what comes of it. */
function trainShown(options: TrainingOptions, context: CommandContext): Promise<Record<string, unknown>> {
  const { logger, signal, verbose } = context;
  return showTraining(train(options, { logger, signal, verbose }), context);
}
