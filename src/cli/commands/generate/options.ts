import * as z from 'zod';
import { answerOptionsSchema } from '../../../eval/answer-options.js';
import { modelOptionsSchema } from '../../../workflow/model-options.js';
import { defineCommand } from '../../command.js';

const { adapter, ...modelOptions } = modelOptionsSchema.shape;

/** `phasetune generate`: answers of a model, with an adapter or without. */
export const command = defineCommand({
  command: 'generate',
  describe: 'answer prompts with a model, with or without an adapter',
  schema: z.strictObject({
    model: z.string().min(1).describe('Hugging Face folder of the model'),
    adapter,
    prompt: z
      .array(z.string().min(1))
      .min(1)
      .meta({ repeat: true })
      .describe('what the user says; repeat the flag for more prompts'),
    ...answerOptionsSchema.shape,
    ...modelOptions,
  }),
  groups: {
    'Model and prompts': ['model', 'adapter', 'prompt', 'system', 'template'],
    Decoding: ['maxTokens', 'temperature', 'topK', 'topP', 'seed'],
    'Memory and speed': ['device', 'batch', 'precision', 'loadIn16bit', 'loadIn8bit', 'loadIn4bit', 'mode', 'compile'],
  },
  examples: [
    ['phasetune generate --model DIR --prompt "What is the capital of France?"', 'the most likely answer'],
    [
      'phasetune generate --model DIR --adapter DIR --prompt Hello --temperature 0.7 --top-p 0.9 --seed 1',
      'a sampled one',
    ],
  ],
  onlyPrints: () => true,
});
