import * as z from 'zod';
import { encodeOptionsSchema } from '../data/options.js';
import { loraOptions } from '../lora/options.js';
import { optimOptions } from '../optim/options.js';
import { trainOptions } from '../train/options.js';
import { jsonSchemaOf } from './from-zod.js';

/**
 * A recipe: everything that decides a training run. The run's own options, how rows become tokens and the batches lie at
 * the top; the adapter's and the optimizer's lie under `lora` and `optim`. Only `model`, `data` and `out` have no default.
 *
 * @example
 * const recipe = recipeSchema.parse({ model: 'models/tiny-llama', data: 'staged', out: 'checkpoints/run' });
 * console.log(recipe.lora.rank, recipe.optim.learningRate);
 */
export const recipeSchema = z.strictObject({
  model: z.string().min(1).describe('Hugging Face folder of the base model'),
  data: z.string().min(1).describe('Staged folder, as written by `phasetune stage`'),
  out: z.string().min(1).describe('Folder of the run to write: checkpoints, events.jsonl, run.json'),
  ...trainOptions.shape,
  ...encodeOptionsSchema.shape,
  lora: loraOptions.prefault({}).describe('The adapter'),
  optim: optimOptions.prefault({}).describe('The optimizer and its learning rate'),
});

/** See {@link recipeSchema}; every option decided. */
export type Recipe = z.infer<typeof recipeSchema>;

/** JSON Schema of a recipe file for a command's options, for editors. Nothing is required: flags may say what a file leaves out. */
export const recipeFileSchema = (options: z.ZodObject): object => {
  const { required: _, ...schema } = jsonSchemaOf(options);
  return { ...schema, title: 'phasetune recipe', description: 'Options of `phasetune train --config`' };
};
