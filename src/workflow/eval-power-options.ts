import * as z from 'zod';

/**
 * What an evaluation has to be able to show.
 *
 * @example
 * const { ties } = powerOptionsSchema.parse({});
 */
export const powerOptionsSchema = z.strictObject({
  winRate: z.number().gt(0).lt(100).default(55).describe('win rate that is to be shown to differ from 50, in percent'),
  ties: z.number().min(0).max(99).default(30).describe('ties, in percent of the rows'),
  arms: z.number().int().min(1).default(1).describe('arms that are compared with the baseline'),
  power: z.number().gt(0).lt(100).default(80).describe('how often such a difference is to be found, in percent'),
  level: z.number().gt(0).lt(1).default(0.95).describe('confidence level of the intervals'),
  rows: z.number().int().min(1).optional().describe('rows at hand: also reports the least difference that they show'),
});

/** Options of planning an evaluation; those with a default may be left out. */
export type PowerOptions = z.input<typeof powerOptionsSchema>;
