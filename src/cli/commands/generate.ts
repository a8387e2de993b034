import * as z from 'zod';
import { encodeOptionsSchema } from '../../data/options.js';
import type { Answer } from '../../eval/answer.js';
import { generateOptions } from '../../generate/options.js';
import { programOptions } from '../../program/options.js';
import { defineCommand } from '../command.js';
import { deviceOption } from '../../backend/options.js';

/** `phasetune generate`: answers of a model, with an adapter or without. */
export const generate = defineCommand({
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
  async run(options, { printText, printData, logger, verbose, signal }) {
    const { loadBackend } = await import('../../backend/load.js');
    const { compileOptions } = await import('../../program/options.js');
    const { openAnswerer } = await import('../../eval/answer.js');
    const backend = await loadBackend({ device: options.device, logger, verbose });
    const { model, adapter, template, system, prompt, batch, maxTokens, temperature, topK, topP, seed } = options;
    const conversations = prompt.map((content) => [
      ...(system ? [{ role: 'system' as const, content: system }] : []),
      { role: 'user' as const, content },
    ]);
    const decoding = { maxTokens, temperature, topK, topP, seed };
    const compile = compileOptions(options, backend);
    // A card has memory for itself.
    const warn = backend.device === 'cuda' ? {} : { warn: logger.warn };
    const how = { template, batch, decoding, compile, ...warn };
    const answerer = await openAnswerer(model, adapter, conversations, how);
    for (const warning of answerer.warnings) logger.warn(warning);
    const answers: (Omit<Answer, 'index'> & { prompt: string })[] = [];
    try {
      for await (const { index, ...answer } of answerer.answers(signal)) {
        answers[index] = { prompt: prompt[index]!, ...answer };
        if (prompt.length > 1) printText(`> ${prompt[index]}`);
        printData(answer.text);
      }
    } finally {
      await answerer.close();
    }
    return { answers, device: backend.device };
  },
});
