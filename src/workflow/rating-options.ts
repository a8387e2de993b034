import * as z from 'zod';

/** Where the scores are in files that phasetune did not make. */
export const ratingOptions = {
  idColumn: z.string().min(1).optional().describe('column or field with the id [id]'),
  scoreColumn: z
    .string()
    .min(1)
    .optional()
    .describe(
      'column or field with the score; in JSON, dots name nested fields (meta.level) [score, rating or difficulty]',
    ),
};
