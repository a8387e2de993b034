import * as z from 'zod';
import { deviceOption } from '../../backend/options.js';
import type { Layer } from '../../config/layers.js';
import { recipeSchema } from '../../config/recipe.js';
import { PhasetuneError, usageError } from '../../core/errors.js';
import type { PreparedRun } from '../../train/prepare.js';
import type { ClaimedFolder, RunFile } from '../../train/run-file.js';
import type { RunJob } from '../../train/staged-run.js';
import { type CommandContext, defineCommand } from '../command.js';
import { RECIPE_GROUPS } from '../recipe-help.js';

const schema = recipeSchema.extend({
  device: deviceOption,
  resume: z
    .boolean()
    .default(false)
    .describe('resume the run in `out` with its own options; starts a new run if there is none'),
  force: z
    .boolean()
    .default(false)
    .describe(
      'resume although data, options, base model or versions differ; the result then differs from an uninterrupted run',
    ),
  dryRun: z.boolean().default(false).describe('show stages, steps, tokens, padding, shapes and peak memory, then stop'),
});
type Options = z.infer<typeof schema>;

/** The options of the run that goes on. */
async function inherits(given: Readonly<Record<string, unknown>>): Promise<Layer | undefined> {
  const { resume, out } = given;
  if (resume !== true || typeof out !== 'string') return undefined;
  const { checkRunFolder } = await import('../../train/run-file.js');
  const run = await checkRunFolder(out, true);
  if (!run) return undefined;
  const { findInputs } = await import('../../train/begun-in.js');
  const values = findInputs(out, run, process.cwd(), given);
  return { values, where: (path) => `${out}/run.json: recipe.${path.join('.')}` };
}

/** `phasetune train`: LoRA on a staged set, stage after stage. */
export const train = defineCommand({
  command: 'train',
  describe: 'train an adapter on a staged set, stage after stage, and measure the held-out loss after each',
  schema,
  recipe: true,
  inherits,
  first: [
    'model',
    'data',
    'out',
    'order',
    'epochs',
    'lora.rank',
    'optim.learningRate',
    'memoryLimit',
    'resume',
    'dryRun',
  ],
  groups: {
    ...RECIPE_GROUPS,
    Checkpoints: [...RECIPE_GROUPS.Checkpoints, 'resume', 'force'],
    'Memory and speed': ['device', ...RECIPE_GROUPS['Memory and speed']],
    'Before you start': ['dryRun'],
  },
  examples: [
    ['phasetune train --model DIR --data STAGED --out checkpoints/first', 'three epochs a stage, as in the paper'],
    ['phasetune train --config recipe.yaml --set lora.rank=16 --order one-off --out checkpoints/control', 'a control'],
    ['phasetune train --out checkpoints/first --resume', 'go on where it stopped'],
    ['phasetune train --model DIR --data STAGED --out checkpoints/first --dry-run', 'what would be done'],
    ['phasetune train --config recipe.yaml --memory-limit 8GiB --out checkpoints/small', 'as fast as fits into 8 GiB'],
  ],
  async run(options, context) {
    const { checkRunFolder, claimRunFolder } = await import('../../train/run-file.js');
    if (options.force && !options.resume)
      throw usageError('--force goes with --resume; without it nothing is there to be forced', { option: 'force' });
    if (options.dryRun) {
      await checkRunFolder(options.out, options.resume);
      return withPrepared(options, context);
    }
    const claim = await claimRunFolder(options.out, options.resume);
    try {
      const done = claim.run?.status === 'done' ? claim.run : undefined;
      return await (done ? tellDone(options, done, context) : withPrepared(options, context, claim));
    } finally {
      await claim.release();
    }
  },
});

/** A run that has nothing left to do. */
async function tellDone({ resume, force, dryRun, device, ...recipe }: Options, run: RunFile, context: CommandContext) {
  const { changes } = await import('../../train/changes.js');
  const changed = changes(run, { ...run, recipe });
  if (changed.length > 0)
    throw usageError(
      `${recipe.out}: the run is done, and cannot go on with other options (${changed.join('; ')}); choose another --out`,
      {
        file: recipe.out,
      },
    );
  context.logger.info(`${recipe.out}: the run is done already; nothing is left to do`);
  return tellRun(recipe.out, run, context);
}

/** Reads and plans, tells the plan, and trains, unless that is all that is wanted. */
async function withPrepared(given: Options, context: CommandContext, claim?: ClaimedFolder) {
  const { prepareRun } = await import('../../train/prepare.js');
  const { describeReport } = await import('../../data/encode-rows.js');
  const { planWarnings } = await import('../../train/warnings.js');
  const { entryBatches } = await import('../../train/entry-shapes.js');
  const { planTable, shapeLines } = await import('../run-display.js');
  let bar: ReturnType<CommandContext['progress']> | undefined;
  const onProgress = (done: number, total: number) => {
    bar ??= context.progress({ label: 'encode', total, unit: 'rows' });
    bar.update(done);
  };
  const prepared = await prepareRun(given, { onProgress, signal: context.signal }).finally(() => bar?.finish());
  const { templateTime } = prepared;
  const options = templateTime === undefined ? given : { ...given, templateTime };
  try {
    for (const line of describeReport(prepared.report, options)) context.logger.info(line);
    if (templateTime !== undefined && given.templateTime === undefined)
      context.logger.warn(
        `the chat template prints the time: every row has ${templateTime}; give runs that are to be compared the same by --template-time ${templateTime}`,
      );
    // What was chosen for a limit stays chosen.
    const { recipe, plan, memory } = await withMemory(
      claim?.run ? { ...options, memoryLimit: undefined } : options,
      prepared,
      context,
    );
    const stages = plan.stages.map(({ summary }) => summary);
    for (const line of planTable(stages)) context.print(line);
    const shapes = entryBatches(plan);
    for (const line of shapeLines(shapes)) context.print(line);
    for (const line of memory.lines) context.print(line);
    const bands = plan.holdout?.bands ?? [];
    const warnings = [...prepared.warnings, ...planWarnings(plan, recipe), ...(memory.warnings ?? [])];
    for (const warning of warnings) context.logger.warn(warning);
    const { order, memoryLimit } = options;
    if (!claim) return { dryRun: true, order, stages, shapes, bands, ...memory.json, report: prepared.report };
    const run = { ...prepared, plan };
    if (!memory.warnings) await warnOfMemory(recipe, run, context);
    return await runPrepared({ ...recipe, memoryLimit }, run, claim, context);
  } finally {
    await prepared.model.close();
  }
}

/** The run as it will be: chosen for the memory limit, if there is one, and what it will take, if that is asked. */
async function withMemory(options: Options, prepared: PreparedRun, context: CommandContext) {
  const { plan } = prepared;
  const asIs = { recipe: options, plan, memory: { lines: [], json: {}, warnings: undefined } };
  if (!options.dryRun && options.memoryLimit === undefined) return asIs;
  try {
    const { loadBackend } = await import('../../backend/load.js');
    const { memoryLines, planMemory, runMemoryWarning } = await import('../run-memory.js');
    const planned = await planMemory(options, prepared, context);
    const { forecast, recipe } = planned;
    const { microBatches, evalRows, gradientCheckpointing = false } = recipe;
    const json = forecast ? { memory: { ...forecast, microBatches, evalRows, gradientCheckpointing } } : {};
    const backend = await loadBackend({ device: options.device, verbose: context.verbose, logger: context.logger });
    const warning = runMemoryWarning(recipe, { ...prepared, plan: planned.plan }, backend, forecast);
    const warnings = warning === undefined ? [] : [warning];
    return { recipe, plan: planned.plan, memory: { lines: memoryLines(planned), json, warnings } };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    if (options.memoryLimit !== undefined || code === 'usage') throw error;
    // All else about a run is known where TensorFlow is not installed, too.
    context.logger.warn(`peak memory is not known: ${message.split('\n')[0]}`);
    return asIs;
  }
}

/** Says so where a run will hardly fit into memory; the run begins all the same, since that is a forecast. */
async function warnOfMemory(options: Options, prepared: PreparedRun, { verbose, logger }: CommandContext) {
  const { loadBackend } = await import('../../backend/load.js');
  const { runMemoryWarning } = await import('../run-memory.js');
  const backend = await loadBackend({ device: options.device, verbose, logger });
  try {
    const warning = runMemoryWarning(options, prepared, backend);
    if (warning !== undefined) logger.warn(warning);
  } catch (error) {
    // What is wrong with the run itself is an error; that it cannot be foretold is none.
    if (error instanceof PhasetuneError) throw error;
    logger.debug(`peak memory is not known: ${String(error)}`);
  }
}

async function runPrepared(options: Options, prepared: PreparedRun, claim: ClaimedFolder, context: CommandContext) {
  const { loadBackend } = await import('../../backend/load.js');
  const { loraTuner } = await import('../../train/lora-tuner.js');
  const { runStages } = await import('../../train/staged-run.js');
  const { showRun } = await import('../run-display.js');
  const { runJob } = await import('../run-job.js');
  const { compileOptions } = await import('../../program/options.js');
  const { entryBatches, inputShapes } = await import('../../train/entry-shapes.js');
  const { device, dryRun: _, resume: __, force, ...given } = options;
  const backend = await loadBackend({ device, verbose: context.verbose, logger: context.logger });
  const how = compileOptions(given, backend);
  const recipe = { ...given, ...how };
  const { lora, optim, gradientCheckpointing } = recipe;
  const compile = { ...how, shapes: inputShapes(entryBatches(prepared.plan)) };
  const job = await runJob(recipe, prepared, backend, claim.lock, { run: claim.run, signal: context.signal });
  const resume = await resumePoint(job, claim, force, context);
  const { tuner } = await loraTuner({ backend, model: prepared.model, lora, optim, gradientCheckpointing, compile });
  const events = runStages(tuner, { ...job, resume });
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

/** Where the run in the folder goes on, if there is one, and what is to be told about that. */
async function resumePoint(job: RunJob, { run, lock }: ClaimedFolder, force: boolean, { logger }: CommandContext) {
  if (lock.takenOver)
    logger.warn(
      `process ${lock.takenOver.pid}, which held this run since ${lock.takenOver.since}, is gone without a word: it was killed, or memory ran out`,
    );
  if (!run) return undefined;
  const { findResumePoint } = await import('../../train/resume.js');
  const point = await findResumePoint({ ...job, run, linears: job.base.linears, force });
  for (const line of point.broken) logger.warn(`a checkpoint is passed over: ${line}`);
  for (const change of point.changes) logger.warn(`--force: ${change}`);
  if (point.changes.length > 0)
    logger.warn(
      '--force: the result will be neither that of the run as it was begun nor that of one with these options',
    );
  return point;
}

async function tellRun(out: string, run: RunFile, { print, logger }: CommandContext): Promise<Record<string, unknown>> {
  const { formatLossMatrix } = await import('../../train/forgetting.js');
  const { formatDuration, formatNumber } = await import('../../telemetry/format.js');
  const { ledgerLines, runWarnings } = await import('../run-display.js');
  if (run.matrix) for (const line of ['', ...formatLossMatrix(run.matrix), '']) print(line);
  for (const line of ledgerLines(run)) print(line);
  const speed = run.tokensPerSecond === undefined ? '' : ` at ${formatNumber(run.tokensPerSecond)} tokens/s`;
  print(`trained in ${formatDuration(run.trainingSeconds!)}${speed}`);
  for (const warning of runWarnings(run)) logger.warn(warning);
  print(`adapter: ${out}/adapter (PEFT's files), everything else about the run: ${out}/run.json, ${out}/events.jsonl`);
  return { out, ...run };
}
