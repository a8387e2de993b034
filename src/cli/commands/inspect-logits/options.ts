import * as z from 'zod';
import { deviceOption } from '../../../backend/options.js';
import { programOptions } from '../../../program/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune inspect logits`: the model's logits at every position, to compare with other implementations. */
export const command = defineCommand({
  command: 'inspect logits',
  describe: 'write the logits of token ids to a safetensors file, to compare with other implementations',
  schema: z.strictObject({
    model: z.string().min(1).describe('Hugging Face folder of the model'),
    adapter: z.string().min(1).optional().describe('PEFT adapter folder'),
    ids: z.array(z.coerce.number().int().nonnegative()).min(1).describe('token ids of one text: 1,2,3'),
    out: z.string().min(1).describe('safetensors file to write: input_ids [1, T] and logits [1, T, V], float32'),
    ...programOptions.shape,
    precision: z.enum(['bfloat16', 'float32']).default('float32').describe('type of products and of frozen weights'),
    device: deviceOption,
  }),
  examples: [['phasetune inspect logits --model DIR --ids 1,2,3 --out logits.safetensors', 'logits [1, 3, V]']],
});
