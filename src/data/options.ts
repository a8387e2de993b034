import * as z from 'zod';

/**
 * Ways to write rows that the importers know; `auto` looks at the first rows.
 *
 * @example
 * for (const format of ROW_FORMATS) console.log(format);
 */
export const ROW_FORMATS = ['records', 'messages', 'sharegpt', 'phasedsft', 'alpaca', 'prompt-completion'] as const;

const badRows = z
  .enum(['refuse', 'skip'])
  .default('refuse')
  .describe('a row that cannot be used: refuse the set and name it, or leave the row out and report it');

/**
 * How rows of other people's making are read.
 *
 * @example
 * const { format, badRows } = importOptionsSchema.parse({ badRows: 'skip' });
 */
export const importOptionsSchema = z.strictObject({
  format: z
    .enum(['auto', ...ROW_FORMATS])
    .default('auto')
    .describe('how the rows are written; auto looks at the first rows'),
  scoreField: z
    .string()
    .min(1)
    .optional()
    .describe(
      'field that holds the difficulty, dots reach inside (meta.level); every row must then have it [score, where a row has one]',
    ),
  badRows,
});

/** See {@link importOptionsSchema}. */
export type ImportOptions = z.infer<typeof importOptionsSchema>;

/**
 * How a row becomes tokens.
 *
 * @example
 * const options = encodeOptionsSchema.parse({ maxLength: 512 });
 * console.log(options.template, options.overflow);
 */
export const encodeOptionsSchema = z.strictObject({
  template: z
    .enum(['chat', 'paper'])
    .default('chat')
    .describe("chat: the model's chat template; paper: <s>User: ...</s>\\nAssistant: ...</s> of Phased IFT"),
  trainOn: z
    .enum(['last', 'all'])
    .default('last')
    .describe('which answers of a conversation are trained: the last, or all'),
  maxLength: z.number().int().min(2).default(1024).describe('most tokens of a row, prompt and answer together'),
  overflow: z
    .enum(['truncate', 'drop', 'refuse'])
    .default('truncate')
    .describe('a row over maxLength: cut the answer (its end is then not trained), drop the row, or refuse the set'),
  templateTime: z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/, 'expected a time such as 2026-11-28T09:00')
    .optional()
    .describe(
      'time that a chat template which prints one (strftime_now) prints in every row, such as 2026-11-28T09:00 [now; a run keeps it]',
    ),
  splitSpecialTokens: z
    .boolean()
    .default(true)
    .describe(
      'a turn that spells a special token (</s>) is encoded as that text; off: it becomes the token, as in transformers by default [on]',
    ),
  badRows,
});

/** See {@link encodeOptionsSchema}. */
export type EncodeOptions = z.infer<typeof encodeOptionsSchema>;

/**
 * How encoded rows become the batches of a stage.
 *
 * @example
 * const options = batchOptionsSchema.parse({ batching: 'bucketed', batchRows: 8 });
 */
export const batchOptionsSchema = z.strictObject({
  batching: z
    .enum(['packed', 'bucketed', 'padded'])
    .default('packed')
    .describe(
      'packed: rows lie one behind another in lines of a few lengths; bucketed: a row a line, rows of like length together; padded: a row a line, in the order they come',
    ),
  batchRows: z
    .number()
    .int()
    .min(1)
    .default(4)
    .describe(
      'rows that go through the model together; packed: on average, for every batch has about equally many tokens',
    ),
  accumulate: z
    .number()
    .int()
    .min(1)
    .default(1)
    .describe('batches whose gradients are added up for one optimizer step'),
  microBatches: z
    .number()
    .int()
    .min(1)
    .default(1)
    .describe('parts in which a batch goes through the model, a few lines each: less memory for the same step'),
  packLength: z
    .number()
    .int()
    .min(2)
    .optional()
    .describe('packed: tokens of a line; longer rows get lines of their own [a few lengths that suit the rows]'),
  padTo: z
    .number()
    .int()
    .min(1)
    .default(32)
    .describe('lines are padded to a multiple of this many tokens, so that shapes are few'),
  shuffle: z.boolean().default(true).describe('draw a new seeded order in every epoch; off keeps the given order'),
  window: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      'packed and bucketed: rows among which batches are made up; an order by score holds from window to window [64 batches; 16 where the order is kept]',
    ),
});

/** See {@link batchOptionsSchema}. */
export type BatchOptions = z.infer<typeof batchOptionsSchema>;
