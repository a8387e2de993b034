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
 * How foreign rows are read.
 *
 * @example
 * const { format, badRows } = importOptionsSchema.parse({ badRows: 'skip' });
 */
export const importOptionsSchema = z.strictObject({
  format: z
    .enum(['auto', ...ROW_FORMATS])
    .default('auto')
    .describe('format of the rows; auto looks at the first rows'),
  scoreField: z
    .string()
    .min(1)
    .optional()
    .describe(
      'field that holds the difficulty, with dots for nested fields (meta.level); every row must then have it [score, where a row has one]',
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
  maxLength: z.number().int().min(2).default(1024).describe('maximum tokens of a row, prompt and answer together'),
  overflow: z
    .enum(['truncate', 'drop', 'refuse'])
    .default('truncate')
    .describe('a row over `maxLength`: cut the answer (its end is then not trained), drop the row, or refuse the set'),
  templateTime: z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/, 'expected a time such as 2026-11-28T09:00')
    .optional()
    .describe(
      'time that a chat template prints in every row if it prints the time (strftime_now), such as 2026-11-28T09:00 [now; a run keeps it]',
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
      'packed: rows one after another in lines of a few lengths; bucketed: one row a line, rows of similar length together; padded: one row a line, in the given order',
    ),
  batchRows: z
    .number()
    .int()
    .min(1)
    .default(4)
    .describe('rows of a batch; packed: on average, since every batch has about the same number of tokens'),
  accumulate: z.number().int().min(1).default(1).describe('gradient accumulation: batches per optimizer step'),
  microBatches: z
    .number()
    .int()
    .min(1)
    .default(1)
    .describe('parts in which a batch goes through the model, some of its lines each: less memory for the same step'),
  packLength: z
    .number()
    .int()
    .min(2)
    .optional()
    .describe('packed: tokens of a line; longer rows get longer lines [a few lengths that suit the rows]'),
  padTo: z
    .number()
    .int()
    .min(1)
    .default(32)
    .describe('lines are padded to a multiple of this many tokens, so that there are few shapes'),
  maxShapes: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      'most shapes of batches, each of which is compiled; one of them, at least, is for held-out rows [2 on a card; elsewhere a few that pay off; a run keeps it]',
    ),
  shuffle: z.boolean().default(true).describe('draw a new seeded order for every epoch; off keeps the given order'),
  window: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      'packed and bucketed: rows that may change places to fit into batches; the order is kept from window to window [64 batches; 16 without shuffle]',
    ),
});

/** See {@link batchOptionsSchema}. */
export type BatchOptions = z.infer<typeof batchOptionsSchema>;
