import { PhasetuneError, usageError } from '../core/errors.js';
import { reporting, startTask, type Task } from '../core/task.js';
import type { PrecisionChoice } from '../program/products/choose.js';
import { changes } from '../train/changes.js';
import { divisionOf } from '../train/division.js';
import { entryBatches } from '../train/entry-shapes.js';
import { type PreparedRun, prepareRun } from '../train/prepare.js';
import { type ClaimedFolder, checkRunFolder, claimRunFolder, OTHER_FOLDER, type RunFile } from '../train/run-file.js';
import type { RunPlan } from '../train/run-plan.js';
import { planWarnings } from '../train/warnings.js';
import { boardFolder } from './board.js';
import { type ChosenDevice, chooseCards } from './cards.js';
import { decideBatches } from './decide-batches.js';
import type { Hooks } from './hooks.js';
import { resolveTraining } from './resolve-training.js';
import { type EncodeEvent, resultOf, type TrainEvent, type TrainingPlan, type TrainResult } from './train-events.js';
import type { TrainingInput, TrainingOptions } from './train-options.js';

/**
 * Trains a LoRA adapter on a staged set, stage after stage: reads and checks all inputs, plans every step,
 * compiles, trains, and records the run in the folder `out`, which no other process can write to meanwhile.
 * Versions and hashes of all inputs are worked out here.
 *
 * With `resume` it continues the run in `out` from its newest whole checkpoint, to the same bytes as a run
 * that was never interrupted. Whoever leaves the loop over the events stops the run; it can be resumed, and so
 * can one that `signal` stopped or that failed.
 *
 * With `devices` this process starts one more for each device but the first, and they train together: see
 * docs/training.md. None is left when the run ends.
 *
 * Warnings are events of type `warning`, and `warnings` of the `plan` event. Throws (the loop as well as
 * `result`) usage and data errors of options and inputs, `failed` for a run that diverged or ran out of
 * memory, `interrupted` where it was stopped.
 *
 * @example
 * const run = train({ model: 'models/tiny-llama', data: 'staged', out: 'checkpoints/first', steps: 2 });
 * for await (const event of run.events) if (event.type === 'step') console.log(event.stage, event.step, event.loss);
 * const { adapter } = await run.result;
 */
export const train = (options: TrainingInput, hooks: Hooks = {}): Task<TrainEvent, TrainResult> =>
  startTask(() => training(options, hooks));

/**
 * What {@link train} would do with the same options: stages, steps, shapes of batches, peak memory, warnings.
 * Reads all inputs and writes nothing. With `device: cuda` the memory is that of a card, whether there is one here
 * or not. Where TensorFlow is not installed only the memory is unknown. Throws the same errors of options and inputs.
 *
 * @example
 * const options = { model: 'models/tiny-llama', data: 'staged', out: 'checkpoints/first' };
 * const { stages, memory } = await planTraining(options);
 */
export async function planTraining(input: TrainingInput, hooks: Hooks = {}): Promise<TrainingPlan> {
  const options = await resolveTraining(input);
  const run = await checkRunFolder(options.out, options.resume);
  await boardFolder(options, run);
  const chosen = await chooseCards(options);
  const { onProgress } = hooks;
  const report = (done: number, total: number) =>
    onProgress?.({ label: 'encode', done, total, unit: 'rows', note: undefined, ended: done === total });
  const { recipe, prepared, warnings } = await prepare(options, chosen, run, report, hooks);
  try {
    const decided = await forecast(recipe, prepared, chosen, hooks, 'anywhere');
    return describe(decided, prepared, [...warnings, ...decided.warnings]);
  } finally {
    await prepared.model.close();
  }
}

async function* training(input: TrainingInput, hooks: Hooks): AsyncGenerator<TrainEvent, TrainResult> {
  const options = await resolveTraining(input);
  const chosen = await chooseCards(options);
  const claim = await claimRunFolder(options.out, options.resume);
  try {
    if (claim.run?.status !== 'done') return yield* trainIn(claim, options, chosen, hooks);
    refuseOthers(claim.run, options);
    yield { type: 'already-done', folder: options.out };
    return resultOf(options.out, claim.run);
  } finally {
    await claim.release();
  }
}

/** The recipe alone: what decides what a run comes to. */
function recipeOf({ device: _, resume: __, force: ___, tensorboard: ____, ...recipe }: TrainingOptions) {
  return recipe;
}

/** A run that has nothing left to do cannot continue with other options. */
function refuseOthers(run: RunFile, options: TrainingOptions): void {
  const { out } = options;
  const changed = changes(run, { ...run, recipe: recipeOf(options) });
  if (changed.length > 0)
    throw usageError(`${out}: the run is done, and cannot continue with other options (${changed.join('; ')})`, {
      file: out,
      option: 'out',
      changes: changed.join('; '),
      remedies: [OTHER_FOLDER],
    });
}

/** Plans the run and trains it in its claimed folder. */
async function* trainIn(
  claim: ClaimedFolder,
  options: TrainingOptions,
  device: ChosenDevice,
  hooks: Hooks,
): AsyncGenerator<TrainEvent, TrainResult> {
  const board = await boardFolder(options, claim.run);
  const { recipe, prepared, warnings } = yield* reporting<EncodeEvent, Prepared>(
    (report, left) => {
      const signal = hooks.signal ? AbortSignal.any([hooks.signal, left]) : left;
      const onProgress = (done: number, of: number) => report({ type: 'encode', done, of });
      return prepare(options, device, claim.run, onProgress, { ...hooks, signal });
    },
    (unused) => unused.prepared.model.close(),
  );
  try {
    const { memoryLimit } = recipe;
    // What was chosen for a limit stays chosen.
    const choose = memoryLimit !== undefined && !claim.run;
    const decided: Forecasted = choose
      ? await forecast(recipe, prepared, device, hooks)
      : { recipe, plan: prepared.plan, warnings: [] };
    yield {
      type: 'plan',
      ...describe(decided, prepared, [...warnings, ...decided.warnings]),
    };
    const { runPlanned } = await trainingRun();
    const job = {
      recipe: decided.recipe,
      prepared: { ...prepared, plan: decided.plan },
      claim,
      checked: choose,
      board,
      choice: decided.choice,
    };
    return yield* runPlanned(job, { ...device, force: options.force }, hooks);
  } finally {
    await prepared.model.close();
  }
}

type Recipe = ReturnType<typeof recipeOf>;

/** Inputs that were read and checked, and the recipe as it will be recorded. */
interface Prepared {
  readonly recipe: Recipe;
  readonly prepared: PreparedRun;
  readonly warnings: readonly string[];
}

async function prepare(
  options: TrainingOptions,
  chosen: ChosenDevice,
  run: RunFile | undefined,
  onProgress: (done: number, of: number) => void,
  { signal, ...hooks }: Hooks,
): Promise<Prepared> {
  const asked = recipeOf(options);
  // What was decided for a run stays decided.
  const given = run ? asked : await decideBatches(asked, chosen, hooks);
  const prepared = await prepareRun(given, { onProgress, ...(signal && { signal }) });
  const { templateTime } = prepared;
  if (templateTime === undefined) return { recipe: given, prepared, warnings: [] };
  const fixed = `the chat template prints the time: every row has ${templateTime}; give runs that are to be compared the same by \`templateTime: ${templateTime}\``;
  return { recipe: { ...given, templateTime }, prepared, warnings: given.templateTime === undefined ? [fixed] : [] };
}

/** What needs TensorFlow. */
const trainingRun = () => import('./training-run.js');

/** A run as it will be. */
interface Decided {
  readonly recipe: Recipe;
  readonly plan: RunPlan;
  readonly memory?: TrainingPlan['memory'];
  readonly choice?: PrecisionChoice;
}

/** With what a user should know about it. */
type Forecasted = Decided & { readonly warnings: readonly string[] };

/**
 * The run as it will be, chosen for the memory limit if there is one, and what it will take: `here`, where it is about
 * to be trained, or `anywhere`.
 */
async function forecast(
  recipe: Recipe,
  prepared: PreparedRun,
  device: ChosenDevice,
  hooks: Hooks,
  where: 'here' | 'anywhere' = 'here',
): Promise<Forecasted> {
  try {
    const { forecastRun, forecastAnywhere } = await trainingRun();
    return await (where === 'here' ? forecastRun : forecastAnywhere)(recipe, prepared, device, hooks);
  } catch (error) {
    if (recipe.memoryLimit !== undefined || (error instanceof PhasetuneError && error.code === 'usage')) throw error;
    // All else about a run is known where TensorFlow is not installed, too.
    const [reason] = (error as Error).message.split('\n');
    return { recipe, plan: prepared.plan, warnings: [`peak memory is not known: ${reason}`] };
  }
}

function dividedIn(plan: RunPlan, { devices }: Recipe): Pick<TrainingPlan, 'division'> {
  const division = divisionOf(plan, devices);
  return division ? { division } : {};
}

const describe = (
  { recipe, plan, memory, choice }: Decided,
  prepared: PreparedRun,
  warnings: readonly string[],
): TrainingPlan => ({
  recipe,
  order: recipe.order,
  stages: plan.stages.map(({ summary }) => summary),
  shapes: entryBatches(plan),
  ...dividedIn(plan, recipe),
  bands: plan.holdout?.bands ?? [],
  report: prepared.report,
  ...(memory && { memory }),
  ...(choice && { precision: choice }),
  warnings: [...prepared.warnings, ...planWarnings(plan, recipe), ...warnings],
});
