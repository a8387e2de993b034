import * as z from 'zod';
import { encodeOptionsSchema } from '../data/options.js';
import { loraOptions } from '../lora/options.js';
import { optimOptions } from '../optim/options.js';
import { trainOptions } from '../train/options.js';
import { jsonSchemaOf } from './from-zod.js';

/**
 * A recipe: everything that decides a training run. Options of the run, of tokens and of batches
 * are at the top level, those of the adapter and the optimizer under `lora` and `optim`. Only
 * `model`, `data` and `out` have no default.
 *
 * @example
 * const recipe = recipeSchema.parse({ model: 'models/tiny-llama', data: 'staged', out: 'checkpoints/run' });
 * console.log(recipe.lora.rank, recipe.optim.learningRate);
 */
export const recipeSchema = z.strictObject({
  model: z.string().min(1).describe('Hugging Face folder of the base model'),
  data: z.string().min(1).describe('staged folder, as `stage` writes it'),
  out: z.string().min(1).describe('folder of the run to write: checkpoints, events.jsonl, run.json'),
  ...trainOptions.shape,
  ...encodeOptionsSchema.shape,
  lora: loraOptions.prefault({}).describe('the adapter'),
  optim: optimOptions.prefault({}).describe('the optimizer and its learning rate'),
});

/** See {@link recipeSchema}; all defaults filled in. */
export type Recipe = z.infer<typeof recipeSchema>;

/**
 * JSON Schema of a recipe file, for editors. Nothing is required: what a file leaves out can be
 * given in other ways.
 */
export const recipeFileSchema = (options: z.ZodObject): object => {
  const { required: _, ...schema } = jsonSchemaOf(options);
  return { ...schema, title: 'phasetune recipe', description: 'Options of a training run' };
};
