import * as z from 'zod';
import { pullModelOptionsSchema } from '../../../workflow/model-files.js';
import { defineCommand } from '../../command.js';

/** `phasetune model pull ORG/NAME`: a model of the Hugging Face hub as a folder. */
export const command = defineCommand({
  command: 'model pull <name>',
  describe: 'fetch a model from the Hugging Face hub; resumes an interrupted download',
  schema: z.strictObject({
    name: z
      .string()
      .min(1)
      .describe(
        'ORG/NAME of the model; for private and gated ones HF_TOKEN in the environment is used, or the token that `hf auth login` has put in its file',
      ),
    ...pullModelOptionsSchema.shape,
  }),
  examples: [
    ['phasetune model pull HuggingFaceTB/SmolLM2-135M-Instruct', 'into models/SmolLM2-135M-Instruct'],
    ['phasetune model pull ORG/NAME --revision v1.0 --out models/base', 'a tag, into a folder that you choose'],
  ],
});
