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
    .describe('which tokens are counted: those of the last answer, of everything before it, or both (length)'),
});

/** See {@link lengthOptionsSchema}. */
export type LengthOptions = z.infer<typeof lengthOptionsSchema>;
