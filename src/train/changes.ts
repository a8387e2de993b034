import type { RunAbout } from './run-file.js';

/** Options that may differ when a run is resumed: they do not decide the result, or only from there on. */
const FREE = new Set(['out', 'model', 'data', 'keepLast', 'onSpike', 'memoryLimit', 'devices']);

/**
 * What differs between what a run was begun with and what it would continue with, one line each, such as
 * `lora.rank was 8, is 16`: options, data, files of the base model, versions. Where model and data are does
 * not count, only what is in them.
 */
export function changes(was: RunAbout, is: RunAbout): string[] {
  const recipe = (about: RunAbout) =>
    flat(Object.fromEntries(Object.entries(about.recipe).filter(([option]) => !FREE.has(option))));
  return [
    ...differences(recipe(was), recipe(is)),
    ...differences(flat({ 'staged data': was.inputs.data.manifest }), flat({ 'staged data': is.inputs.data.manifest })),
    ...differences(prints(was), prints(is)),
    ...differences(flat({ version: was.versions }), flat({ version: is.versions })),
  ];
}

/**
 * What differs between two values, one line each: `lora.rank was 8, is 16`. What JSON leaves out
 * counts as not there.
 */
export const valueChanges = (was: unknown, is: unknown): string[] => differences(flat(was), flat(is));

const prints = ({ inputs }: RunAbout): Map<string, string> =>
  new Map(Object.entries(inputs.model.files).map(([file, hash]) => [`base model's ${file}`, hash]));

/** Values by dotted path, as JSON. What JSON leaves out counts as not there. */
function flat(value: unknown, path: readonly string[] = [], into = new Map<string, string>()): Map<string, string> {
  if (value !== null && typeof value === 'object' && !Array.isArray(value))
    for (const [key, inner] of Object.entries(value)) flat(inner, [...path, key], into);
  else if (value !== undefined) into.set(path.join('.'), JSON.stringify(value));
  return into;
}

function differences(was: ReadonlyMap<string, string>, is: ReadonlyMap<string, string>): string[] {
  const show = (value: string | undefined) => (value === undefined ? 'not given' : shortenHashes(value));
  const names = [...new Set([...was.keys(), ...is.keys()])];
  return names
    .filter((name) => was.get(name) !== is.get(name))
    .map((name) => `${name} was ${show(was.get(name))}, is ${show(is.get(name))}`);
}

/** The first 12 digits of a hash are enough to distinguish it from another. */
const shortenHashes = (value: string): string => value.replace(/[0-9a-f]{64}/g, (hash) => `${hash.slice(0, 12)}...`);
