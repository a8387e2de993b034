import * as z from 'zod';

/**
 * Options of a LoRA adapter (Hu et al. 2021, arXiv 2106.09685). Names of the projections are PEFT's target_modules.
 *
 * @example
 * const { rank, alpha, targets } = loraOptions.parse({ rank: 16 });
 */
export const loraOptions = z.strictObject({
  rank: z.number().int().positive().default(8).describe('Rank of the adapter matrices'),
  alpha: z.number().positive().default(16).describe('Scale of the adapter: its output is multiplied by alpha / rank'),
  dropout: z.number().min(0).lt(1).default(0).describe("Share of the adapter's inputs dropped in training"),
  targets: z
    .union([z.literal('all-linear'), z.array(z.string().min(1)).min(1)])
    .default('all-linear')
    .describe(
      'Projections with an adapter: all-linear, or names such as q_proj,v_proj, matched at the end as PEFT does',
    ),
  rsLora: z.boolean().default(false).describe('Rank-stabilised scale: alpha / sqrt(rank) instead of alpha / rank'),
});

/** See {@link loraOptions}. */
export type LoraOptions = z.infer<typeof loraOptions>;

/** What the adapter's output is multiplied by (rsLoRA: Kalajdzievski 2023, arXiv 2312.03732). */
export const scalingOf = ({ alpha, rank, rsLora }: Pick<LoraOptions, 'alpha' | 'rank' | 'rsLora'>): number =>
  alpha / (rsLora ? Math.sqrt(rank) : rank);
