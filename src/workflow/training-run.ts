import { resolve } from 'node:path';
import { version as nodeVersion } from 'node:process';
import type { Backend } from '../backend/backend.js';
import { cardMemory, isCardThere } from '../backend/card-memory.js';
import { loadBackend } from '../backend/load.js';
import type { Recipe } from '../config/recipe.js';
import { PhasetuneError } from '../core/errors.js';
import { version } from '../core/version.js';
import type { MemoryLimit } from '../io/memory-limits.js';
import { fingerprintModel } from '../model/fingerprint.js';
import { linearShapes } from '../model/parameters.js';
import { withPrecision } from '../program/decide.js';
import { compileOptions, type WithPrecision } from '../program/options.js';
import type { PrecisionChoice } from '../program/products/choose.js';
import { describePrecision } from '../program/products/describe.js';
import { hide } from '../telemetry/redact.js';
import { recordInputs } from '../train/begun-in.js';
import { entryBatches, inputShapes } from '../train/entry-shapes.js';
import type { PreparedRun } from '../train/prepare.js';
import { findResumePoint, type ResumePoint } from '../train/resume.js';
import type { ClaimedFolder, RunAbout } from '../train/run-file.js';
import { type MemoryPlan, planMemory, processBytes, runMemoryWarning } from '../train/run-memory.js';
import { type RunJob, runStages } from '../train/staged-run.js';
import { withBoard } from './board.js';
import type { ChosenDevice } from './cards.js';
import { startDevices } from './devices.js';
import type { Hooks } from './hooks.js';
import { resultOf, type TrainEvent, type TrainResult, type WarningEvent } from './train-events.js';
import type { TrainingOptions } from './train-options.js';

/** A planned run, in its claimed folder. */
export interface PlannedRun {
  readonly recipe: Recipe;
  /** With the plan as it will be trained. */
  readonly prepared: PreparedRun;
  readonly claim: ClaimedFolder;
  /** Whether its memory is forecast already. */
  readonly checked: boolean;
  /** Folder for event files of TensorBoard; undefined where none are written. */
  readonly board: string | undefined;
  /** How the precision of the recipe was chosen, where its forecast did that. */
  readonly choice: PrecisionChoice | undefined;
}

const backendFor = ({ device, cards }: ChosenDevice, { logger, verbose = false }: Hooks): Promise<Backend> =>
  loadBackend({ device, verbose, card: cards[0], ...(logger && { logger }) });

/** Whether a card computes. */
export const computesOnCard = async (device: ChosenDevice, hooks: Hooks): Promise<boolean> =>
  (await backendFor(device, hooks)).device === 'cuda';

const warning = (message: string): WarningEvent => ({ type: 'warning', message });

/**
 * What a run will take, chosen for the memory limit if there is one. Throws a usage error for a limit that
 * cannot be kept.
 */
export const forecastRun = async (recipe: Recipe, prepared: PreparedRun, device: ChosenDevice, hooks: Hooks) =>
  forecastOn(await backendFor(device, hooks), recipe, prepared, hooks);

/**
 * As {@link forecastRun}, for a run that is only planned: what it would take on a card is worked out where there is
 * none, too, with the library for the processor.
 */
export async function forecastAnywhere(recipe: Recipe, prepared: PreparedRun, chosen: ChosenDevice, hooks: Hooks) {
  if (chosen.device !== 'cuda' || (await isCardThere()))
    return forecastBoth(await backendFor(chosen, hooks), recipe, prepared, hooks);
  const backend = await backendFor({ device: 'cpu', cards: [] }, hooks);
  return forecastBoth({ ...backend, device: chosen.device }, recipe, prepared, hooks);
}

/** The forecast, with what the run would take in the other type of products, or its weights in fewer bits. */
async function forecastBoth(backend: Backend, recipe: Recipe, prepared: PreparedRun, hooks: Hooks) {
  const held = processBytes();
  const run = await forecastOn(backend, recipe, prepared, hooks, held);
  const { precision, attention, loadIn16bit = false, loadIn8bit = false, loadIn4bit = false } = run.recipe;
  // Flash attention is in bfloat16 only.
  if (!run.memory.forecast || attention === 'flash') return run;
  const ways = [
    { precision: precision === 'float32' ? 'bfloat16' : 'float32', loadIn16bit },
    ...(precision === 'bfloat16' || loadIn8bit || loadIn4bit ? [] : [{ precision, loadIn16bit: !loadIn16bit }]),
  ] as const;
  const otherwise = ways.map((way) => {
    const changed = { ...run.recipe, ...way, memoryLimit: undefined };
    return { ...way, forecast: planMemory(changed, { ...prepared, plan: run.plan }, backend, held).forecast! };
  });
  return { ...run, memory: { ...run.memory, otherwise } };
}

async function forecastOn(backend: Backend, given: Recipe, prepared: PreparedRun, { logger }: Hooks, held?: number) {
  const { options, choice } = await withPrecision(given, backend, { logger });
  const { forecast, tooLarge, ...run }: MemoryPlan<WithPrecision<Recipe>> = planMemory(
    options,
    prepared,
    backend,
    held,
  );
  const known = { forecast, limits: await limitsOf(backend) };
  const tooMuch = runMemoryWarning(run.recipe, { ...prepared, plan: run.plan }, backend, known);
  return {
    ...run,
    choice,
    memory: { ...(forecast && { forecast }), tooLarge },
    warnings: tooMuch === undefined ? [] : [tooMuch],
  };
}

/** What limits the memory of a run on a card; undefined on a processor, where the system reports it. */
async function limitsOf({ device }: Backend): Promise<MemoryLimit[] | undefined> {
  if (device !== 'cuda') return undefined;
  const card = await cardMemory();
  return card ? [card] : [];
}

/** Compiles a planned run and trains it, or what is left of it. */
export async function* runPlanned(
  { recipe: planned, prepared, claim, checked, board, choice: before }: PlannedRun,
  options: ChosenDevice & Pick<TrainingOptions, 'force'>,
  hooks: Hooks,
): AsyncGenerator<TrainEvent, TrainResult> {
  const backend = await backendFor(options, hooks);
  const { options: given, choice } = await withPrecision(planned, backend, { logger: hooks.logger });
  if (choice.chosen === 'measured') hooks.logger?.info(`products in ${describePrecision(choice)}`);
  if (!checked) yield* warnOfMemory(given, prepared, backend, hooks);
  const program = compileOptions(given, backend);
  // Which kernels there are is a matter of the machine, and no option.
  const { kernels: _, ...decided } = program;
  const recipe = { ...given, ...decided };
  const compile = { ...program, shapes: inputShapes(entryBatches(prepared.plan)), warn: hooks.logger?.warn };
  const job = await runJob(recipe, prepared, backend, claim, { choice: before ?? choice, signal: hooks.signal });
  const resume = yield* resumePoint(job, claim, options.force);
  const { cards } = options;
  const { model } = prepared;
  const { tuner, end } = await startDevices({
    recipe,
    compile,
    backend,
    model,
    cards,
    verbose: hooks.verbose ?? false,
  });
  if (program.compile === 'whole') {
    const programs = Object.values(compile.shapes).reduce((n, shapes) => n + shapes.length, 0);
    yield { type: 'compile', programs };
  }
  try {
    const run = yield* withBoard(runStages(tuner, { ...job, resume }), board, recipe.out);
    return resultOf(recipe.out, run);
  } finally {
    await end();
  }
}

/** Says so where a run will hardly fit into memory; it begins all the same, since that is a forecast. */
async function* warnOfMemory(
  recipe: WithPrecision<Recipe>,
  prepared: PreparedRun,
  backend: Backend,
  { logger }: Hooks,
): AsyncGenerator<WarningEvent, void> {
  try {
    const tooMuch = runMemoryWarning(recipe, prepared, backend, { limits: await limitsOf(backend) });
    if (tooMuch !== undefined) yield warning(tooMuch);
  } catch (error) {
    // What is wrong with the run itself is an error; that its memory cannot be forecast is none.
    if (error instanceof PhasetuneError) throw error;
    logger?.debug(`peak memory is not known: ${String(error)}`);
  }
}

/** The job of a prepared run, with what `run.json` says about it: versions, recipe, inputs and their hashes. */
async function runJob(
  given: WithPrecision<Recipe>,
  { plan, model, set }: PreparedRun,
  backend: Backend,
  { run, lock }: ClaimedFolder,
  { choice, signal }: { readonly choice: PrecisionChoice; readonly signal: AbortSignal | undefined },
): Promise<RunJob> {
  const { recipe, begunIn } = recordInputs(given, run, resolve());
  const { lora, optim } = recipe;
  const versions = { phasetune: version(), node: nodeVersion, [backend.name]: backend.version };
  return {
    folder: recipe.out,
    lock,
    plan,
    options: recipe,
    optim,
    lora,
    base: { name: hide(recipe.model), linears: linearShapes(model.config) },
    about: hide({
      versions: { ...versions, device: backend.device },
      begunIn,
      recipe,
      products: run?.recipe.precision === given.precision ? run?.products : productsOf(choice),
      inputs: {
        model: { path: recipe.model, files: await fingerprintModel(given.model) },
        data: { path: recipe.data, manifest: set.hash },
      },
    }),
    signal,
  };
}

/** How the precision was chosen, for `run.json`. */
const productsOf = ({ precision: _, ...how }: PrecisionChoice): RunAbout['products'] => how;

/** Where the run in the folder continues, if there is one. */
async function* resumePoint(
  job: RunJob,
  { run, lock }: ClaimedFolder,
  force: boolean,
): AsyncGenerator<WarningEvent, ResumePoint | undefined> {
  if (lock.takenOver) {
    const { pid, since } = lock.takenOver;
    yield warning(
      `process ${pid}, which held this run since ${since}, ended without releasing it: it was killed, or ran out of memory`,
    );
  }
  if (!run) return undefined;
  const point = await findResumePoint({ ...job, run, linears: job.base.linears, force });
  for (const line of point.broken) yield warning(`a checkpoint is skipped: ${line}`);
  for (const change of point.changes) yield warning(`\`force\`: ${change}`);
  if (point.changes.length > 0)
    yield warning('`force`: the result will match neither the run as it was started nor a run with these options');
  return point;
}
