import { resolve } from 'node:path';
import { jsonSchemaOf } from '../config/from-zod.js';
import { givenOptions } from '../config/given-options.js';
import { type Layer, mergeLayers, resolveLayers } from '../config/layers.js';
import { usageError } from '../core/errors.js';
import { programOptions } from '../program/options.js';
import { findInputs } from '../train/begun-in.js';
import { checkRunFolder } from '../train/run-file.js';
import { type TrainingInput, type TrainingOptions, trainingOptionsSchema } from './train-options.js';

/** The options of the run that is resumed, which stand wherever others are not given; undefined for a new run. */
export async function inheritedOptions(given: Readonly<Record<string, unknown>>): Promise<Layer | undefined> {
  const { resume, out } = given;
  if (resume !== true || typeof out !== 'string') return undefined;
  const run = await checkRunFolder(out, true);
  if (!run) return undefined;
  const values = findInputs(out, run, resolve(), given);
  return { values, where: (path) => `${out}/run.json: recipe.${path.join('.')}` };
}

/**
 * Decides every option: those given, then those of the run that is resumed, then the defaults. Throws a usage
 * error that names an option.
 */
export async function resolveTraining(input: TrainingInput): Promise<TrainingOptions> {
  const given = givenOptions(input);
  const inherited = await inheritedOptions(mergeLayers([given]));
  const layers = inherited ? [inherited, given] : [given];
  const resolved = resolveLayers(trainingOptionsSchema, jsonSchemaOf(trainingOptionsSchema), layers);
  const options = asRecorded(resolved, inherited);
  if (options.force && !options.resume)
    throw usageError('`force` goes with `resume`: without it there is no run to continue', { option: 'force' });
  return options;
}

/** `auto` is decided once in a run: where it is given again, it stands for what the run has recorded. */
function asRecorded(options: TrainingOptions, recorded: Layer | undefined): TrainingOptions {
  if (options.precision !== 'auto' || !recorded) return options;
  const precision = programOptions.shape.precision.parse(recorded.values.precision);
  return { ...options, precision };
}
