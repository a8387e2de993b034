import * as z from 'zod';
import { deviceOption } from '../backend/options.js';
import { importOptionsSchema } from '../data/options.js';
import { answerOptionsSchema } from '../eval/answer-options.js';
import { programOptions } from '../program/options.js';

const { system, template, temperature, topK, topP, batch } = answerOptionsSchema.shape;

/**
 * Which arms answer which instructions, and how.
 *
 * @example
 * const { maxTokens } = answerSetsOptionsSchema.parse({
 *   arms: ['base=models/base', 'phased=checkpoints/phased'],
 *   sets: ['sets/koala.jsonl'],
 *   out: 'evals/mine',
 * });
 */
export const answerSetsOptionsSchema = z.strictObject({
  arms: z
    .array(z.string().min(1))
    .min(1)
    .describe(
      'NAME=SOURCE: a run, run@stage-2, an adapter, a model or a file of answers; with commas, several runs of an arm',
    ),
  sets: z
    .array(z.string().min(1))
    .min(1)
    .meta({ words: true })
    .describe('files of instructions, or staged folders (held-out rows)'),
  out: z.string().min(1).describe('folder of the evaluation; an existing one is continued'),
  baseline: z.string().min(1).optional().describe('arm that the others are compared with [the first]'),
  base: z.string().min(1).optional().describe('base model of adapters that do not say where it is'),
  rows: z.number().int().positive().optional().describe('instructions to answer, drawn by set and band [all]'),
  seed: z.number().int().min(0).default(0).describe('seed of the drawn rows, and of sampled answers'),
  badRows: importOptionsSchema.shape.badRows,
  system,
  template,
  maxTokens: answerOptionsSchema.shape.maxTokens.unwrap().default(256).describe('Most tokens of an answer'),
  temperature,
  topK,
  topP,
  batch,
  loss: z
    .boolean()
    .default(true)
    .describe("also measure the loss on the sets' own answers, after each stage of a run too: the diagnosis needs it"),
  ...programOptions.shape,
  device: deviceOption,
  force: z
    .boolean()
    .default(false)
    .describe('continue with other options than before, or with answers that were made in another way'),
});

/** See {@link answerSetsOptionsSchema}; options with a default may be left out. */
export type AnswerSetsOptions = z.input<typeof answerSetsOptionsSchema>;

/** See {@link answerSetsOptionsSchema}; all defaults filled in. */
export type ResolvedAnswerSetsOptions = z.infer<typeof answerSetsOptionsSchema>;
