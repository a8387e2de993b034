import * as z from 'zod';
import { recipeSchema } from '../../config/recipe.js';
import type { PreparedRun } from '../../train/prepare.js';
import type { RunFile } from '../../train/run-file.js';
import { type CommandContext, defineCommand } from '../command.js';
import { deviceOption } from '../device.js';

const schema = recipeSchema.extend({
  device: deviceOption,
  dryRun: z.boolean().default(false).describe('Tell stages, steps, tokens, padding and shapes, then stop'),
});
type Options = z.infer<typeof schema>;

/** `phasetune train`: LoRA on a staged set, stage after stage. */
export const train = defineCommand({
  command: 'train',
  describe: 'train an adapter on a staged set, stage after stage, and measure the held-out loss after each',
  schema,
  recipe: true,
  examples: [
    ['phasetune train --model DIR --data STAGED --out checkpoints/first', 'three epochs a stage, as in the paper'],
    ['phasetune train --config recipe.yaml --set lora.rank=16 --order one-off --out checkpoints/control', 'a control'],
    ['phasetune train --model DIR --data STAGED --out checkpoints/first --dry-run', 'what would be done'],
  ],
  async run(options, context) {
    const { checkRunFolder } = await import('../../train/run-file.js');
    const { prepareRun } = await import('../../train/prepare.js');
    const { describeReport } = await import('../../data/encode-rows.js');
    const { planWarnings } = await import('../../train/warnings.js');
    const { entryBatches } = await import('../../train/entry-shapes.js');
    const { planTable, shapeLines } = await import('../run-display.js');
    await checkRunFolder(options.out);
    let bar: ReturnType<CommandContext['progress']> | undefined;
    const onProgress = (done: number, total: number) => {
      bar ??= context.progress({ label: 'encode', total, unit: 'rows' });
      bar.update(done);
    };
    const prepared = await prepareRun(options, { onProgress, signal: context.signal }).finally(() => bar?.finish());
    try {
      for (const line of describeReport(prepared.report, options)) context.logger.info(line);
      const stages = prepared.plan.stages.map(({ summary }) => summary);
      for (const line of planTable(stages)) context.print(line);
      const shapes = entryBatches(prepared.plan);
      for (const line of shapeLines(shapes)) context.print(line);
      const bands = prepared.plan.holdout?.bands ?? [];
      for (const warning of planWarnings(prepared.plan, options)) context.logger.warn(warning);
      if (options.dryRun) return { dryRun: true, order: options.order, stages, shapes, bands, report: prepared.report };
      return await runPrepared(options, prepared, context);
    } finally {
      await prepared.model.close();
    }
  },
});

async function runPrepared(options: Options, prepared: PreparedRun, context: CommandContext) {
  const { loadBackend } = await import('../../backend/load.js');
  const { loraTuner } = await import('../../train/lora-tuner.js');
  const { runStages } = await import('../../train/staged-run.js');
  const { showRun } = await import('../run-display.js');
  const { runJob } = await import('../run-job.js');
  const { compileOptions } = await import('../../program/options.js');
  const { entryBatches, inputShapes } = await import('../../train/entry-shapes.js');
  const { device, dryRun: _, ...given } = options;
  const backend = await loadBackend({ device, verbose: context.verbose, logger: context.logger });
  const how = compileOptions(given, backend);
  const recipe = { ...given, ...how };
  const { lora, optim } = recipe;
  const compile = { ...how, shapes: inputShapes(entryBatches(prepared.plan)) };
  const { tuner } = await loraTuner({ backend, model: prepared.model, lora, optim, compile });
  const events = runStages(tuner, await runJob(recipe, prepared, backend, context.signal));
  try {
    const shown = showRun(events, context);
    for (;;) {
      const next = await shown.next();
      if (next.done) return await tellRun(options.out, next.value, context);
    }
  } finally {
    tuner.dispose();
  }
}

async function tellRun(out: string, run: RunFile, { print }: CommandContext): Promise<Record<string, unknown>> {
  const { formatLossMatrix } = await import('../../train/forgetting.js');
  const { formatDuration, formatNumber } = await import('../../telemetry/format.js');
  if (run.matrix) for (const line of ['', ...formatLossMatrix(run.matrix), '']) print(line);
  print(`trained in ${formatDuration(run.trainingSeconds!)} at ${formatNumber(run.tokensPerSecond!)} tokens/s`);
  print(`adapter: ${out}/adapter (PEFT's files), everything else about the run: ${out}/run.json, ${out}/events.jsonl`);
  return { out, ...run };
}
