import * as z from 'zod';
import { defineCommand } from '../../command.js';

/** `phasetune model pull ORG/NAME`: a model of the Hugging Face hub as a folder. */
export const command = defineCommand({
  command: 'model pull <name>',
  describe: 'fetch a model from the Hugging Face hub; goes on where it was interrupted',
  schema: z.strictObject({
    name: z
      .string()
      .min(1)
      .describe(
        'ORG/NAME of the model; for private and gated ones HF_TOKEN in the environment is used, or the token that `hf auth login` has put in its file',
      ),
    revision: z.string().min(1).default('main').describe('branch, tag or commit'),
    out: z.string().min(1).optional().describe('folder to write [models/NAME]'),
    endpoint: z.url().optional().describe('address of the hub or a mirror [HF_ENDPOINT, or https://huggingface.co]'),
    overwrite: z.boolean().default(false).describe('replace a folder that holds something else'),
  }),
  examples: [
    ['phasetune model pull HuggingFaceTB/SmolLM2-135M-Instruct', 'into models/SmolLM2-135M-Instruct'],
    ['phasetune model pull ORG/NAME --revision v1.0 --out models/base', 'a tag, and a place of your own'],
  ],
});
