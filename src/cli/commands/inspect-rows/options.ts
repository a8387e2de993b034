import * as z from 'zod';
import { planOptionsSchema } from '../../../curriculum/options.js';
import { batchOptionsSchema, encodeOptionsSchema, importOptionsSchema } from '../../../data/options.js';
import { trainOptions } from '../../../train/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune inspect rows`: rows as the trainer sees them. */
export const command = defineCommand({
  command: 'inspect rows',
  describe: 'show rows as the trainer sees them: tokens, trained tokens marked, counts and lengths',
  schema: z.strictObject({
    data: z.string().min(1).describe('file of rows, or a staged folder'),
    model: z.string().min(1).describe('Hugging Face model folder; only its tokenizer is read'),
    limit: z.number().int().min(0).default(5).describe('rows to show; the counts are over all rows'),
    html: z
      .string()
      .min(1)
      .optional()
      .describe('also write a page of `limit` rows of each stage: tokens, and the lines that a run would make of all'),
    ...encodeOptionsSchema.shape,
    ...importOptionsSchema.shape,
    ...planOptionsSchema.shape,
    ...batchOptionsSchema.shape,
    seed: trainOptions.shape.seed,
    epochs: trainOptions.shape.epochs,
  }),
  first: ['data', 'model', 'limit', 'html', 'template', 'trainOn', 'maxLength', 'overflow'],
  examples: [
    ['phasetune inspect rows --data datasets/demo/raw.jsonl --model models/tiny-llama', 'the first five rows'],
    ['phasetune inspect rows --data staged --model DIR --html rows.html', 'a page to look at, stage by stage'],
    ['phasetune inspect rows --data staged --model DIR --max-length 256 --limit 0', 'counts only: what would be cut?'],
  ],
  groups: {
    'Rows and model': ['data', 'model', 'limit', 'html'],
    'Texts and tokens': ['template', 'trainOn', 'maxLength', 'overflow', 'splitSpecialTokens', 'templateTime'],
    Import: ['format', 'scoreField', 'badRows'],
    'Run that the page shows': ['order', 'smoothness', 'within', 'replay', 'seed', 'epochs'],
    'Lines of that run': [
      'batching',
      'batchRows',
      'accumulate',
      'microBatches',
      'packLength',
      'padTo',
      'maxShapes',
      'shuffle',
      'window',
    ],
  },
  onlyPrints: () => true,
});
