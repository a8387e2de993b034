import * as z from 'zod';

/**
 * What is exported, and where to.
 *
 * @example
 * const { folder, out } = exportTensorBoardOptionsSchema.parse({ folder: 'checkpoints/first', out: 'logs/first' });
 */
export const exportTensorBoardOptionsSchema = z.strictObject({
  folder: z.string().min(1).describe('folder of a run or of a study'),
  out: z
    .string()
    .min(1)
    .describe('folder for the event files, with one inside it for each cell of a study; replaces an earlier export'),
});

/** See {@link exportTensorBoardOptionsSchema}. */
export type ExportTensorBoardOptions = z.input<typeof exportTensorBoardOptionsSchema>;
