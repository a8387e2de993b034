import { basename, dirname, join, resolve } from 'node:path';
import { jsonSchemaOf } from '../config/from-zod.js';
import { resolveLayers } from '../config/layers.js';
import { type Recipe, recipeSchema } from '../config/recipe.js';
import { recipeLayer } from '../config/sources.js';
import { usageError } from '../core/errors.js';
import { exists, statPath } from '../io/files.js';
import { cellRecipe } from '../study/run-cell.js';
import { readStudy } from '../study/study-record.js';
import { type RunFile, readRunFile } from '../train/run-file.js';
import { trainingOptionsSchema } from '../workflow/train-options.js';
import type { HandoverRecord } from './handover-record.js';

/** What is handed over: a recipe, every option decided, and the run that was made of it. */
export interface HandoverSource {
  readonly kind: HandoverRecord['source']['kind'];
  /** `model` and `data` hold from the folder of this process. */
  readonly recipe: Recipe;
  /** The run whose plan it must come to. */
  readonly run?: RunFile;
}

/**
 * Reads the folder of a run (`run.json`, done or not), the folder of a cell of a study, or a recipe file. Throws usage
 * errors for anything else and for options that are not as they must be.
 */
export async function readSource(source: string): Promise<HandoverSource> {
  const { kind } = await statPath(source);
  if (kind === 'file') return { kind: 'recipe', recipe: await recipeOfFile(source) };
  if (kind === 'folder' && exists(join(source, 'run.json'))) return sourceOfRun(source, await readRunFile(source));
  const study = dirname(dirname(resolve(source)));
  if (exists(join(study, 'study.json'))) return sourceOfCell(study, basename(resolve(source)));
  throw usageError(
    `${source}: ${kind === 'missing' ? 'there is no such file or folder' : 'neither a run nor a cell of a study'}; expected the folder of a run (with run.json), the folder of a cell of a study (STUDY/cells/ID), or a recipe file`,
    { file: source, option: 'source' },
  );
}

/** The file may have options of `train` that decide nothing about the result. */
async function recipeOfFile(file: string): Promise<Recipe> {
  const schema = trainingOptionsSchema.extend({ out: recipeSchema.shape.out.default('run') });
  const {
    device: _,
    resume: __,
    force: ___,
    tensorboard: ____,
    ...recipe
  } = resolveLayers(schema, jsonSchemaOf(schema), [await recipeLayer(file)]);
  return recipe;
}

function sourceOfRun(folder: string, run: RunFile): HandoverSource {
  const parsed = recipeSchema.safeParse(run.recipe);
  if (!parsed.success)
    throw usageError(`${folder}: its recipe is not one of this version: ${parsed.error.issues[0]!.message}`, {
      file: folder,
    });
  const recipe = parsed.data;
  const base = run.begunIn ?? resolve();
  const found = (path: string) => (exists(resolve(base, path)) ? resolve(base, path) : path);
  return { kind: 'run', recipe: { ...recipe, model: found(recipe.model), data: found(recipe.data) }, run };
}

async function sourceOfCell(folder: string, id: string): Promise<HandoverSource> {
  const study = await readStudy(folder);
  const cell = study.cells.find((each) => each.id === id);
  if (!cell)
    throw usageError(
      `${folder}: the study has no cell ${id}; expected one of ${study.cells.map((c) => c.id).join(', ')}`,
      {
        file: folder,
        option: 'source',
      },
    );
  return { kind: 'cell', recipe: cellRecipe(study, cell) };
}
