import * as z from 'zod';
import { type Answer, answerOptionsSchema } from '../../eval/answer-options.js';
import { modelOptionsSchema } from '../../workflow/model-options.js';
import { defineCommand } from '../command.js';

const { adapter, ...modelOptions } = modelOptionsSchema.shape;

/** `phasetune generate`: answers of a model, with an adapter or without. */
export const generate = defineCommand({
  command: 'generate',
  describe: 'answer prompts with a model, with an adapter or without',
  schema: z.strictObject({
    model: z.string().min(1).describe('Hugging Face folder of the model'),
    adapter,
    prompt: z
      .array(z.string().min(1))
      .min(1)
      .meta({ repeat: true })
      .describe('what the user says; give it again for more'),
    ...answerOptionsSchema.shape,
    ...modelOptions,
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
    const { openModel } = await import('../../workflow/model.js');
    const { model, adapter, mode, precision, loadIn8bit, xla, device, prompt, ...answering } = options;
    const opening = { adapter, mode, precision, loadIn8bit, xla, device };
    await using llm = await openModel(model, opening, { logger, verbose });
    const answers: (Omit<Answer, 'index'> & { prompt: string })[] = [];
    for await (const { index, ...answer } of llm.answers(prompt, answering, { signal })) {
      answers[index] = { prompt: prompt[index]!, ...answer };
      if (prompt.length > 1) printText(`> ${prompt[index]}`);
      printData(answer.text);
    }
    return { answers, device: llm.device };
  },
});
