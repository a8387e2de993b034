import { isAbsolute, resolve } from 'node:path';
import { usageError } from '../core/errors.js';
import { exists } from '../io/files.js';
import type { RunFile } from './run-file.js';

/** Options of a run that name folders to read from. */
const INPUTS = ['model', 'data'] as const;
type Inputs = Readonly<Record<(typeof INPUTS)[number], string>>;
type Run = Pick<RunFile, 'begunIn' | 'status' | 'recipe'>;

/**
 * A run's recipe with its inputs as they are found from this folder: relative paths start from the folder that
 * the run was begun in, or, where it was moved with all that is in it, from this one. Throws a usage error
 * that says where an input was, unless another place for it is `given` or nothing is left to do.
 */
export function findInputs(
  out: string,
  run: Run,
  here: string,
  given: Readonly<Record<string, unknown>>,
): RunFile['recipe'] {
  const { begunIn, recipe, status } = run;
  if (status === 'done' || (begunIn && resolve(begunIn) === resolve(here))) return recipe;
  const inputs = INPUTS.filter((key) => given[key] === undefined).map((key) => {
    const path = String(recipe[key]);
    const there = resolve(begunIn ?? here, path);
    if (isAbsolute(path) || (begunIn && exists(there))) return [key, there];
    if (exists(resolve(here, path))) return [key, path];
    const folder = begunIn ?? 'a folder that it does not name';
    throw usageError(`${out}: the run was started in ${folder}, with \`${key}: ${path}\`; there is no ${there} now`, {
      file: there,
      option: key,
      remedies: [{ option: key, change: 'set', note: 'to where it is' }],
    });
  });
  return { ...recipe, ...Object.fromEntries(inputs) };
}

/**
 * How the inputs of a run are recorded, and the folder that relative ones start from: as a resumed run
 * has them already, where they are the same folders, so that it comes to the same bytes wherever it is resumed.
 */
export function recordInputs<R extends Inputs>(
  recipe: R,
  run: Run | undefined,
  here: string,
): { recipe: R; begunIn: string } {
  const begunIn = run?.begunIn ?? here;
  if (!run || resolve(begunIn) === resolve(here)) return { recipe, begunIn };
  const moved = INPUTS.some((key) => recipe[key] === run.recipe[key] && !isAbsolute(recipe[key]));
  if (moved) return { recipe, begunIn: here };
  const inputs = INPUTS.map((key) => {
    const [was, is] = [String(run.recipe[key]), resolve(here, recipe[key])];
    return [key, resolve(begunIn, was) === is ? was : is];
  });
  return { recipe: { ...recipe, ...Object.fromEntries(inputs) }, begunIn };
}
