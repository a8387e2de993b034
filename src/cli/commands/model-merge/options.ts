import * as z from 'zod';
import { defineCommand } from '../../command.js';

/** `phasetune model merge`: a base model and an adapter become one model folder. */
export const command = defineCommand({
  command: 'model merge',
  describe: 'add an adapter to its base model and write the result as a model folder',
  schema: z.strictObject({
    model: z.string().min(1).describe('Hugging Face folder of the base model'),
    adapter: z.string().min(1).describe('PEFT adapter folder, such as the one a run leaves'),
    out: z.string().min(1).describe('folder to write; it must be empty or not there'),
    dtype: z
      .enum(['auto', 'float32', 'bfloat16', 'float16'])
      .default('auto')
      .describe("element type of the weights; auto keeps the base's. Only float32 keeps all of the adapter's change"),
  }),
  examples: [
    [
      'phasetune model merge --model models/base --adapter checkpoints/run/adapter --out models/tuned',
      'as the base is stored',
    ],
    [
      'phasetune model merge --model models/base --adapter DIR --out models/tuned --dtype float32',
      'nothing rounded away',
    ],
  ],
});
