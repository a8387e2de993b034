import * as z from 'zod';

/** The port that is tried first. */
export const FIRST_PORT = 7411;

/**
 * What a live page shows, and where it listens.
 *
 * @example
 * const { port, host } = liveOptionsSchema.parse({ folder: 'checkpoints/first' }); // undefined, '127.0.0.1'
 */
export const liveOptionsSchema = z.strictObject({
  folder: z.string().min(1).describe('folder of a run or of a study'),
  port: z
    .number()
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe(`port to listen on; where it is taken, the next ten are tried, then any [${FIRST_PORT}]`),
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('address to listen on; others than this machine itself need `allowRemote`'),
  allowRemote: z
    .boolean()
    .default(false)
    .describe('let other machines connect: the page then travels unencrypted, and its address is the only key'),
  wait: z.boolean().default(false).describe('begin although the folder is not there yet, and wait for it'),
});

/** See {@link liveOptionsSchema}; defaults may be left out. */
export type LiveOptions = z.input<typeof liveOptionsSchema>;

/** See {@link liveOptionsSchema}; all defaults filled in. */
export type LiveSettings = z.infer<typeof liveOptionsSchema>;
