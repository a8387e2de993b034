import type { Recipe } from '../config/recipe.js';

/** What decides the size of a run's folder. */
interface RunSize extends Pick<Recipe, 'keepLast' | 'adapter'> {
  readonly stageCount: number;
  /** Numbers of its adapter. */
  readonly adapterSize: number;
}

/** Bytes of a number in an adapter's and an optimizer's file. */
const FLOAT = 4;

/**
 * Bytes that a run's folder takes at its end, about: the adapter, a checkpoint of the end of each stage, and `keepLast`
 * newest ones. A checkpoint has the adapter and AdamW's two moments; with `adapter: merged` those of the stages before,
 * too.
 */
export function diskOf({ keepLast, adapter, stageCount, adapterSize }: RunSize): number {
  const merged = (stage: number) => (adapter === 'merged' && stage > 1 ? stage : 0);
  let adapters = 1 + merged(stageCount);
  for (let stage = 1; stage <= stageCount; stage++) adapters += 3 + merged(stage);
  adapters += (keepLast - 1) * (3 + merged(stageCount));
  return adapters * adapterSize * FLOAT;
}
