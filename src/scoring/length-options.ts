import * as z from 'zod';

/**
 * Options of the scorer that goes by length.
 *
 * @example
 * const { lengthOf } = lengthOptionsSchema.parse({});
 */
export const lengthOptionsSchema = z.strictObject({
  lengthOf: z
    .enum(['answer', 'instruction', 'both'])
    .default('answer')
    .describe('whose tokens are counted: the last answer, all that comes before it, or both (length)'),
});

/** See {@link lengthOptionsSchema}. */
export type LengthOptions = z.infer<typeof lengthOptionsSchema>;
