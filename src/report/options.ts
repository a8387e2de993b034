import * as z from 'zod';

/**
 * What a report is made of, and where it goes.
 *
 * @example
 * const { folder, answers } = makeReportOptionsSchema.parse({ folder: 'checkpoints/first' }); // answers: 0
 */
export const makeReportOptionsSchema = z.strictObject({
  folder: z.string().min(1).describe('folder of a run, a study, an evaluation or a staged set'),
  out: z.string().min(1).optional().describe('HTML file to write [report.html in the folder]'),
  markdown: z.string().min(1).optional().describe('Markdown file to write too, its pictures in a folder beside it'),
  answers: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('of an evaluation: pairs of answers to show side by side, the most surprising verdicts first'),
});

/** See {@link makeReportOptionsSchema}; those with a default may be left out. */
export type MakeReportOptions = z.input<typeof makeReportOptionsSchema>;
