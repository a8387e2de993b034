import * as z from 'zod';
import { recipeSchema } from '../../config/recipe.js';
import type { PreparedRun } from '../../train/prepare.js';
import type { RunFile } from '../../train/run-file.js';
import { type CommandContext, defineCommand } from '../command.js';
import { deviceOption } from '../device.js';

const schema = recipeSchema.extend({
  device: deviceOption,
  dryRun: z.boolean().default(false).describe('Tell stages, steps, tokens, padding, shapes and peak memory, then stop'),
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
    ['phasetune train --config recipe.yaml --memory-limit 8GiB --out checkpoints/small', 'as fast as fits into 8 GiB'],
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
      const { recipe, plan, memory } = await withMemory(options, prepared, context);
      const stages = plan.stages.map(({ summary }) => summary);
      for (const line of planTable(stages)) context.print(line);
      const shapes = entryBatches(plan);
      for (const line of shapeLines(shapes)) context.print(line);
      for (const line of memory.lines) context.print(line);
      const bands = plan.holdout?.bands ?? [];
      for (const warning of planWarnings(plan, recipe)) context.logger.warn(warning);
      const { order } = options;
      if (options.dryRun)
        return { dryRun: true, order, stages, shapes, bands, ...memory.told, report: prepared.report };
      return await runPrepared(recipe, { ...prepared, plan }, context);
    } finally {
      await prepared.model.close();
    }
  },
});

/** The run as it will be: chosen for the memory limit, if there is one, and what it will take, if that is asked. */
async function withMemory(options: Options, prepared: PreparedRun, context: CommandContext) {
  const { plan } = prepared;
  const asIs = { recipe: options, plan, memory: { lines: [], told: {} } };
  if (!options.dryRun && options.memoryLimit === undefined) return asIs;
  try {
    const { memoryLines, planMemory } = await import('../run-memory.js');
    const planned = await planMemory(options, prepared, context);
    const { forecast, recipe } = planned;
    const { microBatches, evalRows, gradientCheckpointing = false } = recipe;
    const told = forecast ? { memory: { ...forecast, microBatches, evalRows, gradientCheckpointing } } : {};
    return { recipe, plan: planned.plan, memory: { lines: memoryLines(planned), told } };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    if (options.memoryLimit !== undefined || code === 'usage') throw error;
    // All else about a run is known where TensorFlow is not installed, too.
    context.logger.warn(`peak memory is not known: ${message.split('\n')[0]}`);
    return asIs;
  }
}

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
  const { lora, optim, gradientCheckpointing } = recipe;
  const compile = { ...how, shapes: inputShapes(entryBatches(prepared.plan)) };
  const { tuner } = await loraTuner({ backend, model: prepared.model, lora, optim, gradientCheckpointing, compile });
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
