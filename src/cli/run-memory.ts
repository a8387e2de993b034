import type { Backend } from '../backend/backend.js';
import { loadBackend } from '../backend/load.js';
import type { DeviceChoice } from '../backend/options.js';
import type { Recipe } from '../config/recipe.js';
import { usageError } from '../core/errors.js';
import { memoryLimits } from '../io/memory-limits.js';
import { compileOptions } from '../program/options.js';
import { formatBytes } from '../telemetry/format.js';
import { rssMib } from '../telemetry/memory.js';
import { memoryWarning } from '../telemetry/memory-warning.js';
import { entryBatches } from '../train/entry-shapes.js';
import { type Attempt, describeChoice, firstThatFits, type MemoryOptions, memoryChoices } from '../train/fit-memory.js';
import { type ForecastedRun, forecastMemory, leastMemory, type MemoryForecast, roughMemory } from '../train/memory.js';
import { sizeInBytes } from '../train/options.js';
import type { PreparedRun } from '../train/prepare.js';
import { planRun, type RunPlan } from '../train/run-plan.js';
import type { CommandContext } from './command.js';

/** A run as it will be, and what it takes. */
export interface MemoryPlan<R extends Recipe> {
  /** With the limit's choices made. */
  readonly recipe: R;
  readonly plan: RunPlan;
  /** Absent for an eager program, of which nothing is known beforehand. */
  readonly forecast?: MemoryForecast;
  /** What was too large for the limit. */
  readonly tooLarge: readonly Attempt[];
}

/**
 * Works out what a run will take, and with `memoryLimit` chooses how it is to go. Loads the backend. Throws a usage error for
 * a limit that cannot be kept.
 */
export async function planMemory<R extends Recipe & { readonly device: DeviceChoice }>(
  recipe: R,
  { plan, set, model }: PreparedRun,
  { verbose, logger }: Pick<CommandContext, 'verbose' | 'logger'>,
): Promise<MemoryPlan<R>> {
  const backend = await loadBackend({ device: recipe.device, verbose, logger });
  const compile = compileOptions(recipe, backend);
  const { memoryLimit, lora, optim } = recipe;
  if (compile.mode === 'eager') {
    if (memoryLimit === undefined) return { recipe, plan, tooLarge: [] };
    throw usageError('--memory-limit needs --mode captured: nobody knows beforehand what an eager program takes', {
      option: 'memoryLimit',
    });
  }
  const held = rssMib() * 2 ** 20;
  const planWith = (options: MemoryOptions): RunPlan =>
    planRun(set, [...plan.rows.values()], { ...recipe, ...options });
  const forecast = ({ gradientCheckpointing }: Pick<MemoryOptions, 'gradientCheckpointing'>, plan: RunPlan) => {
    const batches = entryBatches(plan);
    return forecastMemory(
      { config: model.config, lora, optim, gradientCheckpointing, compile, batches },
      backend.device,
      held,
    );
  };
  if (memoryLimit === undefined) {
    const { gradientCheckpointing = false } = recipe;
    return { recipe, plan, forecast: forecast({ gradientCheckpointing }, plan), tooLarge: [] };
  }
  const batches = plan.stages.flatMap(({ batches }) => batches.steps.flatMap(({ microBatches }) => microBatches));
  const lines = recipe.microBatches * batches.reduce((most, { shape }) => Math.max(most, shape.lines), 1);
  const { chosen, tooLarge } = firstThatFits(memoryChoices(recipe, lines), sizeInBytes(memoryLimit), (options) =>
    forecast(options, planWith(options)),
  );
  return {
    recipe: { ...recipe, ...chosen.options },
    plan: planWith(chosen.options),
    forecast: chosen.forecast,
    tooLarge,
  };
}

/**
 * What is to be said about a run that is forecast to take more memory than there is; `forecast` where it is known already. Undefined where
 * it fits, and on a card, which has memory for itself.
 */
export function runMemoryWarning(
  recipe: Recipe,
  { plan, model }: Pick<PreparedRun, 'plan' | 'model'>,
  backend: Backend,
  forecast?: MemoryForecast,
): string | undefined {
  const limits = memoryLimits();
  if (backend.device === 'cuda' || limits.length === 0) return undefined;
  const held = rssMib() * 2 ** 20;
  const { lora, optim, gradientCheckpointing = false } = recipe;
  const compile = compileOptions(recipe, backend);
  const run: ForecastedRun = {
    ...{ config: model.config, lora, optim, gradientCheckpointing, compile },
    batches: entryBatches(plan),
  };
  if (compile.mode === 'eager')
    return memoryWarning('the run (of its weights alone)', leastMemory(run, held), weightRemedies(recipe), limits);
  if (!forecast && 2 * roughMemory(run, held) < limits[0]!.bytes) return undefined;
  const found = forecast ?? forecastMemory(run, backend.device, held);
  const { tensors, variables, peak } = found;
  const [first, then] = [batchRemedies(recipe), weightRemedies(recipe)];
  const weighty = tensors < variables || lora.rank > model.config.hidden_size;
  const remedies = weighty ? [...then, ...first] : [...first, ...then];
  return memoryWarning('the run', peak, [...remedies, 'let --memory-limit choose'], limits);
}

const batchRemedies = ({ gradientCheckpointing }: Recipe): string[] => [
  'lower --max-length or --pad-to',
  'raise --micro-batches',
  ...(gradientCheckpointing ? [] : ['give --gradient-checkpointing']),
];

const weightRemedies = ({ loadIn8bit }: Recipe): string[] => [
  'lower --lora.rank',
  ...(loadIn8bit ? [] : ['hold the weights in 8 bits with --load-in-8bit']),
  'take a smaller model',
];

/** What a plan says about memory, as lines. */
export function memoryLines({ recipe, forecast, tooLarge }: MemoryPlan<Recipe>): string[] {
  if (!forecast) return ['peak memory: not known beforehand for an eager program'];
  const { peak, variables, tensors, besides } = forecast;
  const parts = `weights and optimizer ${formatBytes(variables)}, tensors ${formatBytes(tensors)}, all else ${formatBytes(besides)}`;
  const { memoryLimit, microBatches, evalRows, gradientCheckpointing = false } = recipe;
  const choice = describeChoice({ microBatches, evalRows, gradientCheckpointing });
  const before = tooLarge.map(({ options, forecast }) => `${describeChoice(options)} ${formatBytes(forecast.peak)}`);
  return [
    `peak memory: about ${formatBytes(peak)} (${parts})`,
    ...(memoryLimit ? [`for the limit of ${memoryLimit}: ${choice}`] : []),
    ...(before.length > 0 ? [`too large: ${before.join('; ')}`] : []),
  ];
}
