import * as z from 'zod';
import { deviceOption } from '../backend/options.js';

/**
 * Options of the way back.
 *
 * @example
 * const { measure } = importHandoverOptionsSchema.parse({ folder: 'handover', out: 'checkpoints/first' });
 */
export const importHandoverOptionsSchema = z.strictObject({
  folder: z.string().min(1).describe('folder of the handover, all of its stages trained'),
  out: z
    .string()
    .min(1)
    .describe(
      "folder of the run to write; it must not exist, or be empty. STUDY/cells/ID/run makes a study's cell done",
    ),
  model: z.string().min(1).optional().describe('where the base model is now [where it was handed over from]'),
  data: z.string().min(1).optional().describe('where the staged set is now [where it was handed over from]'),
  measure: z
    .boolean()
    .default(true)
    .describe(
      'measure the held-out loss of the base and after every stage here; without it the run has none, for a model that does not fit here',
    ),
  device: deviceOption,
});

/** Options of the way back, every one decided. */
export type ImportHandoverOptions = z.output<typeof importHandoverOptionsSchema>;

/** What `importHandover` takes: options with a default may be left out. */
export type ImportHandoverInput = z.input<typeof importHandoverOptionsSchema>;
