import * as z from 'zod';

/** Engines that a run can be handed to. */
export const ENGINES = ['trl', 'axolotl'] as const;

/** One of {@link ENGINES}. */
export type EngineName = (typeof ENGINES)[number];

/** How an engine works out attention, by transformers' names. */
export const ATTENTIONS = ['eager', 'sdpa', 'flash_attention_2'] as const;

/**
 * Options of a handover.
 *
 * @example
 * const { engine, processes } = handoverOptionsSchema.parse({ source: 'recipe.yaml', engine: 'trl', out: 'handover' });
 */
export const handoverOptionsSchema = z.strictObject({
  source: z.string().min(1).describe('folder of a run, recipe file, or folder of a cell of a study'),
  engine: z.enum(ENGINES).describe('engine that trains: TRL with accelerate, or Axolotl'),
  out: z.string().min(1).describe('folder to write; it must not exist, or be empty'),
  processes: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe("processes that train together, one for each GPU [as many as the recipe's devices; 1]"),
  rowsPerProcess: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('most rows that a process computes at one time [those of a batch, shared by the processes]'),
  precision: z
    .enum(['bfloat16', 'float32'])
    .optional()
    .describe("type in which the engine computes [the recipe's; bfloat16 where it leaves that open]"),
  attention: z.enum(ATTENTIONS).default('sdpa').describe('how the engine works out attention'),
  gradientCheckpointing: z
    .boolean()
    .optional()
    .describe("keep only the input of each layer for the gradient [the recipe's; on with several processes]"),
});

/** Options of a handover, every one decided. */
export type HandoverOptions = z.output<typeof handoverOptionsSchema>;

/** What `handOver` takes: options with a default may be left out. */
export type HandoverInput = z.input<typeof handoverOptionsSchema>;
