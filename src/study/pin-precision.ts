import type { Recipe } from '../config/recipe.js';
import type { Forecaster } from '../workflow/forecast.js';
import type { Hooks } from '../workflow/hooks.js';
import { precisionHere } from '../workflow/precision.js';
import type { DraftCell } from './lay-out.js';
import type { StudyFile } from './study-file.js';

/** What `precision: auto` is in all cells of a study; undefined where no cell's recipe has that. */
export type PinnedPrecision = Exclude<Recipe['precision'], 'auto'> | undefined;

/**
 * Decides what `precision: auto` is in all cells of a study, wherever they run: what is faster on
 * this machine, or what its card takes. Where cells run by a command or by Slurm, that may be on
 * other machines: bfloat16, which every card takes and every processor can compute.
 */
export async function decidePinned(
  { executor }: Pick<StudyFile, 'executor'>,
  cells: readonly Pick<DraftCell, 'recipe'>[],
  hooks: Hooks,
  forecaster?: Forecaster,
): Promise<PinnedPrecision> {
  if (!cells.some(({ recipe }) => isOpen(recipe) && recipe.mode !== 'eager')) return undefined;
  if (executor.kind === 'local') return (await precisionHere(hooks, forecaster)).precision;
  hooks.logger?.info('cells compute in bfloat16, since they may run on other machines; `precision` changes that');
  return 'bfloat16';
}

/** A cell's recipe with the study's precision where it has none itself. Op by op there is only float32. */
export function withPinned<R extends Pick<Recipe, 'precision' | 'mode'>>(recipe: R, pinned: PinnedPrecision): R {
  if (!isOpen(recipe)) return recipe;
  return { ...recipe, precision: recipe.mode === 'eager' ? 'float32' : (pinned ?? recipe.precision) };
}

const isOpen = ({ precision }: Pick<Recipe, 'precision'>): boolean => precision === 'auto';
