import * as z from 'zod';
import { deviceOption } from '../backend/device.js';
import { recipeSchema } from '../config/recipe.js';

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
