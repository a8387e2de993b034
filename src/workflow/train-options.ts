import { resolve } from 'node:path';
import * as z from 'zod';
import { deviceOption } from '../backend/device.js';
import { jsonSchemaOf } from '../config/from-zod.js';
import { type Layer, mergeLayers, resolveLayers } from '../config/layers.js';
import { recipeSchema } from '../config/recipe.js';
import { usageError } from '../core/errors.js';
import { findInputs } from '../train/begun-in.js';
import { checkRunFolder } from '../train/run-file.js';

/** Options of a training run: its recipe, and how it is run. */
export const trainingOptionsSchema = recipeSchema.extend({
  device: deviceOption,
  resume: z
    .boolean()
    .default(false)
    .describe(
      'Continue the run in `out` from its newest whole checkpoint, with the options that it was begun with; start a new run where there is none',
    ),
  force: z
    .boolean()
    .default(false)
    .describe(
      'With `resume`: continue although data, options, base model or versions differ; the result is then not that of a run never interrupted',
    ),
});

/** Options of {@link train}, every one decided. */
export type TrainingOptions = z.output<typeof trainingOptionsSchema>;

/** What `train` takes: options with a default may be left out; to resume a run, so may all that its `run.json` records. */
export type TrainingInput =
  | z.input<typeof trainingOptionsSchema>
  | (Partial<z.input<typeof trainingOptionsSchema>> & { readonly out: string; readonly resume: true });

/** The options of the run that is resumed, which stand wherever others are not given; undefined for a new run. */
export async function inheritedOptions(given: Readonly<Record<string, unknown>>): Promise<Layer | undefined> {
  const { resume, out } = given;
  if (resume !== true || typeof out !== 'string') return undefined;
  const run = await checkRunFolder(out, true);
  if (!run) return undefined;
  const values = findInputs(out, run, resolve(), given);
  return { values, where: (path) => `${out}/run.json: recipe.${path.join('.')}` };
}

/** Decides every option: those given, then those of the run that is resumed, then the defaults. Throws a usage error that names an option. */
export async function resolveTraining(input: TrainingInput): Promise<TrainingOptions> {
  const given: Layer = { values: { ...input }, where: (path) => `\`${path.join('.')}\`` };
  const inherited = await inheritedOptions(mergeLayers([given]));
  const layers = inherited ? [inherited, given] : [given];
  const options = resolveLayers(trainingOptionsSchema, jsonSchemaOf(trainingOptionsSchema), layers);
  if (options.force && !options.resume)
    throw usageError('`force` goes with `resume`: without it there is no run to continue', { option: 'force' });
  return options;
}
