import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parseOptions } from '../config/given-options.js';
import { exists } from '../io/files.js';
import { freeSpace } from '../io/free-space.js';
import { withTemporaryFolder } from '../io/temporary-folder.js';
import { type Forecaster, startForecaster } from '../workflow/forecast.js';
import type { Hooks } from '../workflow/hooks.js';
import { openRunPlanner, type RunPlanner, type RunSummary } from '../workflow/plan-runs.js';
import { planning } from './begin.js';
import { blockOf, type Cell, groupOf } from './cell.js';
import { cellStates } from './cell-states.js';
import { compareWith, refuseChanges } from './compare-study.js';
import type { StudyEvent } from './events.js';
import { capacityOf, thisMachine } from './executors/capacity.js';
import { type KnownMemory, type LargestRun, memoryOfFirst } from './largest-run.js';
import { type AblateOptions, type AblateSettings, ablateOptionsSchema } from './options.js';
import { decidePinned, type PinnedPrecision } from './pin-precision.js';
import type { PlannedCells } from './plan-cells.js';
import { largestDifference, plannedByArm } from './planned-by-arm.js';
import { planPower, type StudyPower, sdOfPilot, sdOfStudy } from './power.js';
import { checkFree, resolveFor, withThreads } from './prepare.js';
import type { ResolvedStudy } from './resolve.js';
import { makeSets } from './sets.js';
import type { CellState } from './state.js';
import { readStudy, type Study, studyPaths } from './study-record.js';
import { forecastTime, type KnownSpeed, speedOfCells, speedOfProducts, type TimeForecast } from './time-forecast.js';
import { planWinRates, type WinRatePlan } from './win-rate-plan.js';

/** One arm under one value of each axis. */
export interface PlannedArm {
  readonly arm: string;
  readonly axes: Readonly<Record<string, string>>;
  readonly cells: number;
  /** Stages, and means over its cells. */
  readonly stages: number;
  readonly steps: number;
  readonly trainedTokens: number;
}

/** What a study would take and what it could find, before it is run. */
export interface StudyPlan {
  readonly folder: string;
  /** Whether the study is registered there; `added` is what `extend` would add to it. */
  readonly registered: boolean;
  readonly added: readonly string[];
  readonly cells: number;
  readonly done: number;
  readonly blocks: number;
  /** Trained tokens of every cell. */
  readonly budget: number;
  readonly arms: readonly PlannedArm[];
  /** The arms of one group whose trained tokens differ most; `share` 0.01 is 1 %. */
  readonly largestDifference: {
    readonly share: number;
    readonly most: string;
    readonly fewest: string;
    readonly group: string;
  };
  readonly time: TimeForecast;
  /** Of all cells, and of the largest, without the sets; what is free where that is known. */
  readonly disk: { readonly bytes: number; readonly largest: number; readonly free: number | null };
  /** Of the largest cell. */
  readonly memory: KnownMemory;
  /** What `precision: auto` is in all cells; null where every recipe gives its own. */
  readonly precision: 'bfloat16' | 'float32' | null;
  /** Folders of the cells, in that of the study. */
  readonly folders: readonly string[];
  readonly power: StudyPower;
  /** What measuring win rates would take; null in a study that compares something else. */
  readonly winRates: WinRatePlan | null;
  /** What a user should know, a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * What `prepareStudy` would make of the same options, and what the study would take and could
 * find. Writes nothing into the study's folder; sets that are not there are staged in a temporary
 * one. Throws the same errors, except for what `extend` would add. TensorFlow is loaded in a
 * process of its own.
 *
 * @example
 * const { cells, time, power } = await planStudy({ file: 'study.yaml', out: 'studies/first' });
 * console.log(cells, time.seconds, power.table);
 */
export async function planStudy(given: AblateOptions, hooks: Hooks = {}): Promise<StudyPlan> {
  const options = parseOptions(ablateOptionsSchema, given);
  const described = await resolveFor(options);
  const planner = openRunPlanner(hooks);
  const forecaster = startForecaster(hooks);
  try {
    const before = await registeredIn(options, described, planner);
    const resolved = before?.now ?? withThreads(described);
    const { study } = resolved;
    const warnings: string[] = [];
    const listen = (event: StudyEvent) => {
      if (event.type === 'warning') warnings.push(event.message);
      if (event.type === 'prepare') {
        const { doing: label, done, of: total } = event;
        const unit = label === 'stage' ? 'sets' : 'cells';
        hooks.onProgress?.({ label, done, total, unit, note: undefined, ended: done === total });
      }
    };
    const memory = memoryOfFirst(forecaster);
    const precision = before?.study.record.precision ?? (await decidePinned(study, resolved.cells, hooks, forecaster));
    const { onPlan } = memory;
    const planned = await planAll(resolved, { options, planner, before, listen, onPlan, precision }, hooks);
    const begunIn = before?.study.record.begunIn ?? resolve();
    const winRates = (await planWinRates({ record: { study, begunIn }, cells: planned.cells }, hooks)) ?? null;
    const plan = await describe({ options, resolved, planned, before, warnings, memory }, forecaster);
    return { ...plan, precision: precision ?? null, winRates };
  } finally {
    await forecaster.end();
    await planner.close();
  }
}

/** The study that is registered already, and its cells. */
interface Before {
  readonly study: Study;
  readonly states: readonly CellState[];
  readonly now: ResolvedStudy;
  readonly added: readonly string[];
}

async function registeredIn(
  { out, force }: AblateSettings,
  described: ResolvedStudy,
  planner: RunPlanner,
): Promise<Before | undefined> {
  if (!exists(studyPaths(out).record)) {
    await checkFree(out);
    return undefined;
  }
  const study = await readStudy(out);
  const { now, found, changed } = await compareWith(study, described, planner);
  refuseChanges(out, changed, found.added, { extend: true, force });
  return { study, states: await cellStates(study), now, added: found.added };
}

/** What all cells are planned with. */
interface Planning {
  readonly options: AblateSettings;
  readonly planner: RunPlanner;
  readonly before: Before | undefined;
  listen(event: StudyEvent): void;
  readonly onPlan: LargestRun['onPlan'];
  readonly precision: PinnedPrecision;
}

async function planAll(
  resolved: ResolvedStudy,
  { options: { out }, planner, before, listen, onPlan, precision }: Planning,
  hooks: Hooks,
): Promise<PlannedCells> {
  const there = resolved.sets.every(({ name }) => exists(studyPaths(out).staged(name)));
  const plan = async (folder: string): Promise<PlannedCells> => {
    const { budget, begunIn: from } = before?.study.record ?? {};
    const cells = planning(
      resolved,
      {
        folder,
        planner,
        inputs: { data: {}, models: {} },
        manifests: new Map(),
        onPlan,
        precision,
        ...(budget !== undefined && { budget }),
        ...(from !== undefined && { from }),
      },
      hooks,
    );
    for (;;) {
      const step = await cells.next();
      if (step.done) return step.value;
      listen(step.value);
    }
  };
  if (before && there) return plan(out);
  return withTemporaryFolder('study', async (folder) => {
    for await (const event of makeSets(folder, resolved.sets, resolved.setOptions, hooks)) listen(event);
    return plan(folder);
  });
}

/** Everything that a plan is described from. */
interface Described {
  readonly options: AblateSettings;
  readonly resolved: ResolvedStudy;
  readonly planned: PlannedCells;
  readonly before: Before | undefined;
  readonly warnings: readonly string[];
  readonly memory: LargestRun;
}

async function describe(
  { options, resolved, planned, before, warnings, memory: asked }: Described,
  forecaster: Forecaster,
): Promise<Omit<StudyPlan, 'winRates' | 'precision'>> {
  const { out, sdFrom } = options;
  const { study } = resolved;
  const { cells, plans, budget } = planned;
  const isDone = before ? doneCells(before) : () => false;
  const left = cells.filter((cell) => !isDone(cell));
  const summaryOf = ({ id }: Cell): RunSummary => plans.get(id)!;
  const sd = sdFrom
    ? await sdOfStudy(sdFrom, study)
    : ((before && (await sdOfPilot(before.study, before.states))) ?? null);
  const power = planPower(study, cells, sd);
  const { memory, answer } = await asked.answer();
  const onCard = answer.device === 'cuda';
  const machine = thisMachine(onCard);
  const withMemory = [{ forecast: { seconds: null, diskBytes: null, memoryBytes: memory.bytes } }];
  const local = study.executor.kind === 'local';
  const capacity = local ? capacityOf(study.executor, withMemory, machine) : undefined;
  const flopOf = new Map(cells.map((cell) => [String(cell.recipe.model), summaryOf(cell).flopPerToken]));
  const place = {
    parallel: capacity?.parallel ?? study.executor.parallel ?? 1,
    threads: onCard ? null : (study.executor.threads ?? null),
  };
  const share = (place.threads ?? availableParallelism()) / availableParallelism();
  const speed =
    (await knownSpeed(before, sdFrom, flopOf)) ?? speedOfProducts(await forecaster.speed(), answer, Math.min(1, share));
  const disk = cells.map(({ forecast: { diskBytes } }) => diskBytes ?? 0);
  const bytes = disk.reduce((x, y) => x + y, 0);
  const free = (await freeSpace(out)) ?? null;
  const tooMuch = free !== null && bytes > free ? [`the study takes more room than ${out} has free`] : [];
  return {
    folder: out,
    registered: before !== undefined,
    added: before?.added ?? [],
    cells: cells.length,
    done: cells.length - left.length,
    blocks: new Set(cells.map(blockOf)).size,
    budget,
    arms: armsOf(cells),
    largestDifference: mostDifferent(cells),
    time: forecastTime(left.map(summaryOf), speed, place),
    disk: { bytes, largest: Math.max(...disk), free },
    memory,
    folders: cells.map(({ id }) => `cells/${id}`),
    power,
    warnings: [...new Set([...warnings, ...(capacity?.warnings ?? []), ...tooMuch])],
  };
}

/** Whether a cell of the plan is done, by what makes it the one it is. */
function doneCells({ study, states }: Before): (cell: Cell) => boolean {
  const key = (cell: Cell) => [cell.arm, groupOf(cell), blockOf(cell)].join(', ');
  const done = new Set(study.cells.filter((_, i) => states[i]!.state === 'done').map(key));
  return (cell) => done.has(key(cell));
}

async function knownSpeed(
  before: Before | undefined,
  sdFrom: string | undefined,
  flopOf: ReadonlyMap<string, number>,
): Promise<KnownSpeed | undefined> {
  const get = (model: string) => flopOf.get(model);
  const own = before && (await speedOfCells(before.study, 'cells', get, before.states));
  if (own || sdFrom === undefined || !exists(studyPaths(sdFrom).record)) return own;
  return speedOfCells(await readStudy(sdFrom), 'study', get);
}

function armsOf(cells: readonly Cell[]): PlannedArm[] {
  const arms = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = `${groupOf(cell)} ${cell.arm}`;
    arms.set(key, [...(arms.get(key) ?? []), cell]);
  }
  return [...arms.values()].map((of) => {
    const mean = (what: 'steps' | 'trainedTokens') => of.reduce((n, { planned }) => n + planned[what], 0) / of.length;
    const { arm, axes, planned } = of[0]!;
    return {
      arm,
      axes,
      cells: of.length,
      stages: planned.stages,
      steps: mean('steps'),
      trainedTokens: mean('trainedTokens'),
    };
  });
}

function mostDifferent(cells: readonly Cell[]): StudyPlan['largestDifference'] {
  const groups = [...plannedByArm(cells, 'trainedTokens')].map(([group, tokens]) => ({
    group,
    ...largestDifference(tokens),
  }));
  const { group, share, most, fewest } = groups.reduce((x, y) => (y.share > x.share ? y : x));
  return { share, most: most.arm, fewest: fewest.arm, group };
}
