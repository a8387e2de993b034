import * as z from 'zod';
import { deviceOption } from '../../../backend/options.js';
import { encodeOptionsSchema } from '../../../data/options.js';
import { generateOptions } from '../../../generate/options.js';
import { programOptions } from '../../../program/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune generate`: answers of a model, with an adapter or without. */
export const command = defineCommand({
  command: 'generate',
  describe: 'answer prompts with a model, with an adapter or without',
  schema: z.strictObject({
    model: z.string().min(1).describe('Hugging Face folder of the model'),
    adapter: z.string().min(1).optional().describe('PEFT adapter folder, such as the one a run leaves'),
    prompt: z
      .array(z.string().min(1))
      .min(1)
      .meta({ repeat: true })
      .describe('what the user says; give it again for more'),
    system: z.string().min(1).optional().describe('system message before each prompt'),
    template: encodeOptionsSchema.shape.template,
    ...generateOptions.shape,
    batch: z.number().int().positive().default(16).describe('prompts answered together'),
    ...programOptions.shape,
    device: deviceOption,
  }),
  examples: [
    ['phasetune generate --model DIR --prompt "What is the capital of France?"', 'the likeliest answer'],
    [
      'phasetune generate --model DIR --adapter DIR --prompt Hello --temperature 0.7 --top-p 0.9 --seed 1',
      'a drawn one',
    ],
  ],
  onlyPrints: () => true,
});
