import * as z from 'zod';
import { deviceOption } from '../../../backend/options.js';
import { importOptionsSchema } from '../../../data/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune demo`: the whole way on a small model, in a few minutes. */
export const command = defineCommand({
  command: 'demo',
  describe: 'tune a small model in three stages and show what it learned, in a few minutes',
  schema: z.strictObject({
    model: z.string().min(1).optional().describe('Hugging Face folder of your model [SmolLM2-135M, or a tiny Llama]'),
    data: z.string().min(1).optional().describe('file of your rows, with scores [datasets/demo/raw.jsonl]'),
    ...importOptionsSchema.shape,
    rows: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('rows to train on in each stage [128; 512 with the tiny Llama]'),
    heldOut: z
      .number()
      .int()
      .min(2)
      .default(12)
      .describe('held-out rows of each difficulty, which are answered before and after training'),
    out: z.string().min(1).optional().describe('folder to write [checkpoints/demo-1, or the next free number]'),
    seed: z.number().int().min(0).default(0).describe('seed of the selection of rows and of the training'),
    device: deviceOption,
  }),
  examples: [
    ['phasetune demo', 'SmolLM2-135M on instructions of three difficulties'],
    ['phasetune demo --model DIR --data rows.jsonl --score-field difficulty', 'your own model and rows'],
  ],
});
