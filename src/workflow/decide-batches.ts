import { driverPresent } from '../backend/native/detect.js';
import type { Recipe } from '../config/recipe.js';
import { CARD_SHAPES } from '../data/batch-shapes.js';
import { dividedMicroBatches } from '../train/division.js';
import type { ChosenDevice } from './cards.js';
import type { Hooks } from './hooks.js';

/**
 * The recipe of a new run with what its batches depend on: parts that go round among devices, and how many shapes
 * batches have, few on a card. The plan depends on it, so a run keeps what it was begun with, whatever computes it
 * later. TensorFlow is loaded here where only that tells what computes: the device is not named, and there is a
 * card's driver.
 */
export async function decideBatches(asked: Recipe, chosen: ChosenDevice, hooks: Hooks): Promise<Recipe> {
  const recipe = { ...asked, microBatches: dividedMicroBatches(asked) };
  const { maxShapes, mode, compile } = recipe;
  if (maxShapes !== undefined || mode === 'eager' || compile === 'none') return recipe;
  const { device } = chosen;
  const onCard = device === 'cuda' || (device === 'auto' && driverPresent() && (await computesOnCard(chosen, hooks)));
  return onCard ? { ...recipe, maxShapes: CARD_SHAPES } : recipe;
}

/** Why TensorFlow does not load is said where it is needed. */
const computesOnCard = async (chosen: ChosenDevice, hooks: Hooks): Promise<boolean> =>
  import('./training-run.js').then(({ computesOnCard }) => computesOnCard(chosen, hooks)).catch(() => false);
