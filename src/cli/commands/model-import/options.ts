import * as z from 'zod';
import { importModelOptionsSchema } from '../../../workflow/model-files.js';
import { defineCommand } from '../../command.js';

/** `phasetune model import SRC --out DIR`: a GGUF file or a Hugging Face folder becomes a Hugging Face folder. */
export const command = defineCommand({
  command: 'model import <src>',
  describe: 'turn a GGUF file or a Hugging Face folder into a Hugging Face folder',
  schema: z.strictObject({
    src: z.string().min(1).describe('GGUF file (the first one of a split model) or Hugging Face folder'),
    ...importModelOptionsSchema.shape,
  }),
  examples: [
    ['phasetune model import SmolLM2-135M-Instruct.Q4_1.gguf --out models/smollm2', 'a GGUF file, as bfloat16'],
    ['phasetune model import models/base --out models/base-f32 --dtype float32', 'another element type'],
  ],
});
