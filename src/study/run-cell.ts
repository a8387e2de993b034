import { join, resolve } from 'node:path';
import { env, version as nodeVersion } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseOptions } from '../config/given-options.js';
import { type Recipe, recipeSchema } from '../config/recipe.js';
import { dataError, PhasetuneError, usageError } from '../core/errors.js';
import { startTask, type Task, within } from '../core/task.js';
import { version } from '../core/version.js';
import { exists } from '../io/files.js';
import { liveHolder } from '../io/lock-file.js';
import { fingerprintModel } from '../model/fingerprint.js';
import { changes, valueChanges } from '../train/changes.js';
import { readRunFile } from '../train/run-file.js';
import type { Hooks } from '../workflow/hooks.js';
import { train } from '../workflow/train.js';
import type { TrainEvent, TrainResult } from '../workflow/train-events.js';
import type { Cell } from './cell.js';
import { problemOf } from './cell-states.js';
import { readStudy, type Study, studyPaths } from './study-record.js';

/** Which cell of which study is run. */
export interface CellOptions {
  /** The study's folder. */
  readonly folder: string;
  /** Of the cell, from 1. */
  readonly index: number;
}

/**
 * How long to wait for a process that still holds the cell's run: one that was asked to stop is saving, and one on
 * another host counts as dead after two minutes of silence.
 */
const PATIENCE_MS = 180_000;
const POLL_MS = 250;

/**
 * Runs one cell of a study, or what is left of it: what an executor starts, in a process of its own. The cell's recipe
 * decides everything. Refused, with every difference, are a base model that has changed since the study was begun and a
 * run that was made with another recipe. Throws as `train`, and a data error where the run is done and does not count.
 *
 * @example
 * const { run } = await runCell({ folder: 'studies/first', index: 1 }).result;
 * console.log(run.status);
 */
export const runCell = (options: CellOptions, hooks: Hooks = {}): Task<TrainEvent, TrainResult> =>
  startTask(() => running(options, hooks));

async function* running({ folder, index }: CellOptions, hooks: Hooks): AsyncGenerator<TrainEvent, TrainResult> {
  const study = await readStudy(folder);
  const cell = study.cells.find((each) => each.index === index);
  if (!cell)
    throw usageError(`${folder}: there is no cell ${index}; the study has ${study.cells.length}`, { file: folder });
  checkVersions(study);
  await checkModel(study, cell);
  setThreads(study);
  const recipe = cellRecipe(study, cell);
  const result = yield* trained(recipe, study, hooks);
  const problem = await problemOf(cell, result.folder, await readRunFile(result.folder));
  if (problem) throw dataError(`${cell.id}: ${problem.reason}`, { file: result.folder });
  return result;
}

/** The recipe of a cell with paths that hold wherever the process was started, every default filled in. */
export function cellRecipe({ folder, record }: Study, { recipe, set, id }: Cell): Recipe {
  const base = record.begunIn;
  return parseOptions(recipeSchema, {
    ...recipe,
    model: resolve(base, String(recipe.model)),
    data: resolve(set === null ? base : folder, String(recipe.data)),
    out: resolve(studyPaths(folder).run(id)),
  } as Recipe);
}

/** The cells that it has begun before are continued, though versions and files are others. */
const isForced = ({ record }: Study): boolean => record.forced.length > 0;

/** Other versions may give other bits, so that cells would differ for no reason of the study's. */
function checkVersions({ folder, record }: Study): void {
  const now: Readonly<Record<string, string>> = { phasetune: version(), node: nodeVersion };
  const changed = valueChanges({ version: record.versions }, { version: { ...record.versions, ...now } });
  if (Object.keys(record.versions).length === 0 || changed.length === 0) return;
  throw usageError(`${folder}: the study was started with other versions: ${changed.join('; ')}`, {
    file: folder,
    changes: changed.join('; '),
    remedies: [{ advice: 'continue the study with `force`; the results will say so' }],
  });
}

/** TensorFlow reads it when it computes first. OMP_NUM_THREADS changes nothing. */
function setThreads({ record }: Study): void {
  const { threads } = record.study.executor;
  if (threads !== undefined) env.TF_NUM_INTRAOP_THREADS = String(threads);
}

async function checkModel(study: Study, { recipe }: Cell): Promise<void> {
  const model = String(recipe.model);
  const was = study.record.inputs.models[model];
  if (!was) return;
  const path = resolve(study.record.begunIn, model);
  const about = (files: Readonly<Record<string, string>>) => ({
    versions: {},
    recipe: {},
    inputs: { model: { path, files }, data: { path: '', manifest: '' } },
  });
  const changed = changes(about(was), about(await fingerprintModel(path)));
  if (changed.length > 0)
    throw dataError(`${path}: the model has changed since the study was started: ${changed.join('; ')}`, {
      file: path,
    });
}

/** Trains, once nobody else does; what another process does until then is waited for. */
async function* trained(recipe: Recipe, study: Study, hooks: Hooks): AsyncGenerator<TrainEvent, TrainResult> {
  const until = performance.now() + PATIENCE_MS;
  for (let waits = false; ; waits = true) {
    const holder = await liveHolder(recipe.out);
    if (holder && performance.now() < until) {
      const { pid, host } = holder;
      const message = `process ${pid} on host ${host} still holds this run: waiting until it has stopped`;
      if (!waits) yield { type: 'warning', message };
      await sleep(POLL_MS);
      hooks.signal?.throwIfAborted();
      continue;
    }
    await checkRecipe(recipe);
    try {
      return yield* within(train({ ...recipe, resume: true, force: isForced(study) }, hooks));
    } catch (error) {
      // Another process took it in between.
      if (!isHeld(error) || performance.now() > until) throw error;
    }
  }
}

const isHeld = (error: unknown): boolean =>
  error instanceof PhasetuneError && error.code === 'failed' && error.fields.pid !== undefined;

async function checkRecipe(recipe: Recipe): Promise<void> {
  const { out } = recipe;
  if (!exists(join(out, 'run.json'))) return;
  const run = await readRunFile(out);
  const changed = changes(run, { ...run, recipe: { ...run.recipe, ...recipe } });
  if (changed.length === 0) return;
  const problem = `${out}: this run was made with another recipe than the cell's (${changed.join('; ')})`;
  throw usageError(problem, { file: out, remedies: [{ advice: 'remove that folder' }] });
}
