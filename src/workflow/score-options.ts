import * as z from 'zod';
import { deviceOption } from '../backend/options.js';
import { importOptionsSchema } from '../data/options.js';
import { endpointOptionsSchema } from '../endpoint/options.js';
import { PRECISIONS } from '../program/compile-options.js';
import { programOptions } from '../program/options.js';
import { judgeOptionsSchema } from '../scoring/judge-options.js';
import { lengthOptionsSchema } from '../scoring/length-options.js';
import { lossOptionsSchema } from '../scoring/loss-options.js';

const { format, badRows } = importOptionsSchema.shape;

/**
 * Options of scoring.
 *
 * @example
 * const { scorer, concurrency } = scoreOptionsSchema.parse({ file: 'rows.jsonl', out: 'scored.jsonl' });
 * console.log(scorer, concurrency);
 */
export const scoreOptionsSchema = z.strictObject({
  file: z.string().min(1).describe('rows in any format that `data import` reads'),
  out: z
    .string()
    .min(1)
    .describe('JSON Lines file of scored rows to write; its manifest and the ledger of replies go beside it'),
  scorer: z
    .enum(['openai', 'loss', 'length'])
    .default('openai')
    .describe(
      'who scores: an LLM at an endpoint (openai), a model by its own loss, in process (loss), or the number of tokens, the baseline (length)',
    ),
  ...endpointOptionsSchema.shape,
  model: z
    .string()
    .min(1)
    .optional()
    .describe(
      'name of the judge at the endpoint (openai), model folder (loss), model folder whose tokenizer counts (length)',
    ),
  ...judgeOptionsSchema.shape,
  ...lossOptionsSchema.shape,
  adapter: z.string().min(1).optional().describe('PEFT adapter folder that the model is measured with (loss)'),
  ...programOptions.shape,
  precision: z
    .enum(PRECISIONS)
    .default('float32')
    .describe('type of products and of frozen weights; bfloat16 is faster, and moves an IFD by up to 0.01 (loss)'),
  ...lengthOptionsSchema.shape,
  device: deviceOption,
  format,
  badRows,
  reparse: z.boolean().default(false).describe('parse the replies in the ledger again, without sending requests'),
  yes: z.boolean().default(false).describe('agree to the cost without being asked'),
  force: z.boolean().default(false).describe('replace an existing `out` that no scorer made'),
});

/** Options of `score`; those with a default may be left out. */
export type ScoreOptions = z.input<typeof scoreOptionsSchema>;

/** The same, defaults filled in. */
export type ResolvedScoreOptions = z.output<typeof scoreOptionsSchema>;
