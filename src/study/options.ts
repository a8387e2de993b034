import * as z from 'zod';
import { executorSchema } from './study-file.js';

const folder = z.string().min(1);

/**
 * Which study is run, and what of it.
 *
 * @example
 * const { extend } = ablateOptionsSchema.parse({ file: 'study.yaml', out: 'studies/first' });
 */
export const ablateOptionsSchema = z.strictObject({
  file: folder.describe('study file, YAML or JSON'),
  out: folder.describe('folder of the study; the same study again continues there'),
  executor: executorSchema.shape.kind
    .removeDefault()
    .optional()
    .describe('where cells run [that of the study file, otherwise local]'),
  parallel: executorSchema.shape.parallel,
  detach: z
    .boolean()
    .default(false)
    .describe(
      'end once all cells are handed over to Slurm; the same again, later, follows them and writes the results',
    ),
  render: z
    .enum(['kubernetes'])
    .optional()
    .describe('run nothing: write the manifest of a Job for the cells that are left to `out`/kubernetes/job.yaml'),
  extend: z
    .boolean()
    .default(false)
    .describe('add the seeds, splits or arms that the study file has more than the study in `out`; the results say so'),
  force: z
    .boolean()
    .default(false)
    .describe(
      'continue although inputs or versions differ from those that the study was started with; the results say so',
    ),
  pilot: z
    .number()
    .int()
    .min(2)
    .optional()
    .describe("run only the control's first seeds, to see how much runs vary; they stay cells of the study"),
  sdFrom: folder.optional().describe('study whose results say how much runs vary, for the power table'),
  finish: z
    .boolean()
    .default(false)
    .describe('run nothing more: write the results with the cells that are done; the others are missing'),
});

/** See {@link ablateOptionsSchema}; options with a default may be left out. */
export type AblateOptions = z.input<typeof ablateOptionsSchema>;

/** Options of `ablate`, every one decided. */
export type AblateSettings = z.output<typeof ablateOptionsSchema>;
