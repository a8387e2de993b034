import type { Backend } from '../backend/backend.js';
import { usageError } from '../core/errors.js';
import { fewerBits, SMALLER_MODEL } from '../core/out-of-memory.js';
import type { Remedy } from '../core/remedies.js';
import { type MemoryLimit, memoryLimits } from '../io/memory-limits.js';
import type { OptimOptions } from '../optim/options.js';
import { compileOptions, type WithPrecision } from '../program/options.js';
import { rssMib } from '../telemetry/memory.js';
import { memoryWarning } from '../telemetry/memory-warning.js';
import { entryBatches } from './entry-shapes.js';
import { type Attempt, firstThatFits, type MemoryOptions, memoryChoices } from './fit-memory.js';
import { type ForecastedRun, forecastMemory, leastMemory, roughMemory } from './memory.js';
import type { MemoryForecast } from './memory-forecast.js';
import { sizeInBytes } from './options.js';
import { CHECKPOINT_GRADIENTS } from './out-of-memory.js';
import type { PreparedRun, PrepareOptions } from './prepare.js';
import type { RunPlan } from './run-plan.js';

/** The options of a run that decide what memory it takes. */
export type MemoryRecipe = WithPrecision<PrepareOptions & { readonly optim: OptimOptions }>;

/** A run as it will be, and what it takes. */
export interface MemoryPlan<R extends MemoryRecipe> {
  /** With what was chosen for the limit. */
  readonly recipe: R;
  readonly plan: RunPlan;
  /** Absent for an eager program, whose memory is not known beforehand. */
  readonly forecast?: MemoryForecast;
  /** What was too large for the limit. */
  readonly tooLarge: readonly Attempt[];
}

/**
 * Works out what a run will take, and with `memoryLimit` chooses how it is trained; the process has `held` bytes
 * now. Throws a usage error for a limit that cannot be kept.
 */
export function planMemory<R extends MemoryRecipe>(
  recipe: R,
  prepared: PreparedRun,
  backend: Backend,
  held = processBytes(),
): MemoryPlan<R> {
  const { plan, model } = prepared;
  const compile = compileOptions(recipe, backend);
  const { memoryLimit, lora, optim } = recipe;
  if (compile.mode === 'eager') {
    if (memoryLimit === undefined) return { recipe, plan, tooLarge: [] };
    throw usageError('`memoryLimit` needs `mode: captured`: what an eager program takes is not known beforehand', {
      option: 'memoryLimit',
    });
  }
  const forecast = (plan: RunPlan, gradientCheckpointing = false) =>
    forecastMemory(
      { config: model.config, lora, optim, gradientCheckpointing, compile, batches: entryBatches(plan) },
      backend.device,
      held,
    );
  if (memoryLimit === undefined)
    return { recipe, plan, forecast: forecast(plan, recipe.gradientCheckpointing), tooLarge: [] };
  const planFor = plansOf(recipe, prepared);
  const choices = memoryChoices(recipe, recipe.microBatches * mostLines(plan));
  const { chosen, tooLarge } = firstThatFits(
    choices,
    sizeInBytes(memoryLimit),
    (options) => forecast(planFor(options), options.gradientCheckpointing),
    recipe,
  );
  const { options } = chosen;
  return { recipe: { ...recipe, ...options }, plan: planFor(options), forecast: chosen.forecast, tooLarge };
}

/** What this process holds now. */
export const processBytes = (): number => rssMib() * 2 ** 20;

/** The plan for each choice, made once: gradient checkpointing changes none. */
function plansOf(recipe: MemoryRecipe, { plan, planWith }: PreparedRun): (options: MemoryOptions) => RunPlan {
  const key = ({ microBatches, evalRows }: Pick<MemoryOptions, 'microBatches' | 'evalRows'>) =>
    `${microBatches} ${evalRows}`;
  const plans = new Map([[key(recipe), plan]]);
  return (options) => {
    const made = plans.get(key(options)) ?? planWith(options);
    plans.set(key(options), made);
    return made;
  };
}

/** Lines of the largest batch of a plan. */
const mostLines = ({ stages }: RunPlan): number =>
  stages
    .flatMap(({ batches }) => batches.steps.flatMap(({ microBatches }) => microBatches))
    .reduce((most, { shape }) => Math.max(most, shape.lines), 1);

/** What is known already for {@link runMemoryWarning}. */
export interface KnownMemory {
  /** What the run takes. */
  readonly forecast?: MemoryForecast | undefined;
  /** What limits it, the least first; default what the system reports of the process, which says nothing of a card. */
  readonly limits?: readonly MemoryLimit[] | undefined;
}

/**
 * A warning for a run that is forecast to take more memory than there is. Undefined where it fits, and
 * where nothing is known of what there is.
 */
export function runMemoryWarning(
  recipe: MemoryRecipe,
  { plan, model }: Pick<PreparedRun, 'plan' | 'model'>,
  backend: Backend,
  { forecast, limits = backend.device === 'cuda' ? [] : memoryLimits() }: KnownMemory = {},
): string | undefined {
  const [least] = limits;
  if (!least) return undefined;
  const held = backend.device === 'cuda' ? 0 : processBytes();
  const { lora, optim, gradientCheckpointing = false, devices = [] } = recipe;
  // Processes on the processor share this machine's memory; each card has its own.
  const processes = backend.device === 'cuda' ? 1 : Math.max(1, devices.length);
  const compile = compileOptions(recipe, backend);
  const run: ForecastedRun = {
    ...{ config: model.config, lora, optim, gradientCheckpointing, compile },
    batches: entryBatches(plan),
  };
  if (compile.mode === 'eager')
    return memoryWarning(
      'the run (of its weights alone)',
      processes * leastMemory(run, held),
      weightRemedies(recipe),
      limits,
    );
  if (!forecast && 2 * processes * roughMemory(run, held) < least.bytes) return undefined;
  const { tensors, variables, peak } = forecast ?? forecastMemory(run, backend.device, held);
  const [first, then] = [batchRemedies(recipe), weightRemedies(recipe)];
  const weighty = tensors < variables || lora.rank > model.config.hidden_size;
  const remedies = weighty ? [...then, ...first] : [...first, ...then];
  return memoryWarning(
    processes > 1 ? `the run, with its ${processes} processes,` : 'the run',
    processes * peak,
    [...remedies, { option: 'memoryLimit', change: 'set', note: 'to let it choose' }],
    limits,
  );
}

const batchRemedies = ({ gradientCheckpointing }: MemoryRecipe): Remedy[] => [
  { option: 'maxLength', change: 'lower' },
  { option: 'padTo', change: 'lower' },
  { option: 'microBatches', change: 'raise' },
  ...(gradientCheckpointing ? [] : [CHECKPOINT_GRADIENTS]),
];

const weightRemedies = (recipe: MemoryRecipe): Remedy[] => [
  { option: 'lora.rank', change: 'lower' },
  ...fewerBits(recipe),
  SMALLER_MODEL,
];
