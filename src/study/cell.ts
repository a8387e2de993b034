import * as z from 'zod';

const count = z.number().int().min(0);

/** Schema of a line of `cells.jsonl`: one arm, one seed, one split, one value of each axis; one run. */
export const cellSchema = z.strictObject({
  schema: z.literal('phasetune/cell'),
  version: z.literal(1),
  /** From 1, in the order of work: block by block. Never renumbered. */
  index: count.min(1),
  /**
   * Its folder's name under `cells/`: `phased-seed-1`, with the values of the axes before and the
   * split after, where there are any.
   */
  id: z.string(),
  arm: z.string(),
  /** Names of the values of the axes. */
  axes: z.record(z.string(), z.string()),
  seed: count,
  split: count.min(1),
  /** The staged set under `staged/`; null where the study trains on a staged folder as it is. */
  set: z.string().nullable(),
  /**
   * Every option of the run. `out`, and `data` unless `set` is null, start from the study's folder; `model` starts from
   * the folder that the study was begun in.
   */
  recipe: z.record(z.string(), z.unknown()),
  /** SHA-256 of the recipe and of what it trains on. */
  hash: z.string(),
  planned: z.strictObject({ stages: count, steps: count, tokens: count, trainedTokens: count }),
  /** What it will take as far as known; null where it is not. Memory is the peak of its process or card. */
  forecast: z.strictObject({
    seconds: z.number().nullable(),
    memoryBytes: count.nullable(),
    diskBytes: count.nullable(),
  }),
});

/** See {@link cellSchema}. */
export type Cell = z.infer<typeof cellSchema>;

/** Cells of one block have the same seed, split and first adapter; comparisons are made within blocks. */
export const blockOf = ({ seed, split }: Pick<Cell, 'seed' | 'split'>): string => `seed ${seed}, split ${split}`;

/**
 * Cells of one group have the same values of all axes; it has its own control.
 * `model=135m, scored=ifd`; empty without axes.
 */
export const groupOf = ({ axes }: Pick<Cell, 'axes'>): string =>
  Object.entries(axes)
    .map(([axis, value]) => `${axis}=${value}`)
    .join(', ');
