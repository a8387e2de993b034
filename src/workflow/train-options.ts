import * as z from 'zod';
import { deviceOption } from '../backend/options.js';
import { recipeSchema } from '../config/recipe.js';

/**
 * Options of a training run: its recipe, and how it is run.
 *
 * @example
 * const { lora, optim, order } = trainingOptionsSchema.parse({
 *   model: 'models/tiny-llama',
 *   data: 'staged',
 *   out: 'checkpoints/run',
 * });
 */
export const trainingOptionsSchema = recipeSchema.extend({
  device: deviceOption,
  resume: z.boolean().default(false).describe('resume the run in `out` with its own options, or start one there'),
  force: z
    .boolean()
    .default(false)
    .describe(
      'resume although data, options, base model or versions differ; the result then differs from an uninterrupted run',
    ),
  tensorboard: z
    .union([z.boolean(), z.string().min(1)])
    .optional()
    .describe(
      "also write event files for TensorBoard, into this folder or, without one, into tensorboard in the run's folder [a run that is resumed continues those in its own folder]",
    ),
});

/** Options of `train`, every one decided. */
export type TrainingOptions = z.output<typeof trainingOptionsSchema>;

/**
 * What `train` takes: options with a default may be left out; to resume a run, so may all that its `run.json`
 * records.
 */
export type TrainingInput =
  | z.input<typeof trainingOptionsSchema>
  | (Partial<z.input<typeof trainingOptionsSchema>> & { readonly out: string; readonly resume: true });
