import * as z from 'zod';
import { mergeOptionsSchema } from '../../../workflow/model-files.js';
import { defineCommand } from '../../command.js';

/** `phasetune model merge`: a base model and an adapter become one model folder. */
export const command = defineCommand({
  command: 'model merge',
  describe: 'add an adapter to its base model and write the result as a model folder',
  schema: z.strictObject({
    model: z.string().min(1).describe('Hugging Face folder of the base model'),
    ...mergeOptionsSchema.shape,
  }),
  examples: [
    [
      'phasetune model merge --model models/base --adapter checkpoints/run/adapter --out models/tuned',
      'in the element type of the base',
    ],
    ['phasetune model merge --model models/base --adapter DIR --out models/tuned --dtype float32', 'without rounding'],
  ],
});
