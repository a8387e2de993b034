import * as z from 'zod';
import { defineCommand } from '../../command.js';

/** `phasetune model import SRC --out DIR`: a GGUF file or a Hugging Face folder becomes a Hugging Face folder. */
export const command = defineCommand({
  command: 'model import <src>',
  describe: 'turn a GGUF file or a Hugging Face folder into a Hugging Face folder',
  schema: z.strictObject({
    src: z.string().min(1).describe('GGUF file (the first one of a split model) or Hugging Face folder'),
    out: z.string().min(1).describe('folder to write; it must be empty or not there'),
    dtype: z.enum(['bfloat16', 'float32']).default('bfloat16').describe('element type of the weights'),
    tokenizer: z
      .string()
      .min(1)
      .optional()
      .describe('folder whose tokenizer is taken instead of the one in the source'),
    overwrite: z.boolean().default(false).describe('replace a folder that is not empty'),
  }),
  examples: [
    ['phasetune model import SmolLM2-135M-Instruct.Q4_1.gguf --out models/smollm2', 'a GGUF file, as bfloat16'],
    ['phasetune model import models/base --out models/base-f32 --dtype float32', 'another element type'],
  ],
});
