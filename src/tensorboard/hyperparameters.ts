import { basename } from 'node:path';
import { hide } from '../telemetry/redact.js';
import type { Hyperparameter } from './messages.js';

/** Options of a recipe that decide what a run comes to; the others say where it is, and how it is computed. */
const DECISIVE = new Set([
  'model',
  'order',
  'smoothness',
  'within',
  'replay',
  'seed',
  'start',
  'schedule',
  'optimizer',
  'adapter',
  'epochs',
  'steps',
  'tokens',
  'budget',
  'stages',
  'batching',
  'batchRows',
  'accumulate',
  'packLength',
  'template',
  'trainOn',
  'maxLength',
  'overflow',
  'precision',
  'loadIn16bit',
  'loadIn8bit',
  'loadIn4bit',
  'lora',
  'optim',
]);

type Options = Readonly<Record<string, unknown>>;

/** Options by their dotted path, `lora.rank`; lists as JSON, empty ones and those that are not given left out. */
function flatten(options: Options, path = ''): Record<string, Hyperparameter> {
  return Object.fromEntries(
    Object.entries(options).flatMap(([key, value]): [string, Hyperparameter][] => {
      const name = path + key;
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return [[name, value]];
      if (value === null || value === undefined) return [];
      if (Array.isArray(value)) return value.length === 0 ? [] : [[name, JSON.stringify(value)]];
      return Object.entries(flatten(value as Options, `${name}.`));
    }),
  );
}

/** A recipe's options without secrets, and its model by the last part of its path. */
function shown(recipe: Options): Record<string, Hyperparameter> {
  const { model, ...others } = flatten(hide(recipe));
  return { ...(model !== undefined && { model: basename(String(model)) }), ...others };
}

/** Options of one run for TensorBoard's HParams tab: those that decide what it comes to. */
export const hyperparametersOf = (recipe: Options): Record<string, Hyperparameter> =>
  shown(Object.fromEntries(Object.entries(recipe).filter(([key]) => DECISIVE.has(key))));

/**
 * Options of runs that are compared: those in which they differ, except places and the seed, which differ among runs
 * that are averaged.
 */
export function differingHyperparameters(recipes: readonly Options[]): Record<string, Hyperparameter>[] {
  const all = recipes.map(({ out: _, data: __, seed: ___, ...recipe }) => shown(recipe));
  const names = [...new Set(all.flatMap((options) => Object.keys(options)))];
  const differing = names.filter((name) => new Set(all.map((options) => options[name])).size > 1);
  return all.map((options) =>
    Object.fromEntries(differing.flatMap((name) => (name in options ? [[name, options[name]!]] : []))),
  );
}
