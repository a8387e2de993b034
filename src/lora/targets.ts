import { usageError } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';
import type { LoraOptions } from './options.js';

/** Last words of module names, each once: `q_proj` of `model.layers.0.self_attn.q_proj`. */
export const shortNames = (modules: Iterable<string>): string[] => [
  ...new Set([...modules].map((module) => module.slice(module.lastIndexOf('.') + 1))),
];

/** PEFT's rule for a list: the module's whole name, or its end after a dot. */
export const matches = (target: string, module: string): boolean => module === target || module.endsWith(`.${target}`);

/**
 * The modules that get an adapter, in the model's order. Throws a usage error for a target that matches none of the
 * model's projections, naming those it has.
 */
export function targetModules(modules: Iterable<string>, targets: LoraOptions['targets']): string[] {
  const all = [...modules];
  if (targets === 'all-linear') return all;
  for (const target of targets) {
    if (all.some((module) => matches(target, module))) continue;
    const possible = shortNames(all);
    throw usageError(
      `\`lora.targets\`: ${JSON.stringify(target)} matches no projection of this model${didYouMean(target, possible)}; ` +
        `expected all-linear or some of ${possible.join(', ')}`,
      { field: 'lora.targets', actual: target },
    );
  }
  return all.filter((module) => targets.some((target) => matches(target, module)));
}
