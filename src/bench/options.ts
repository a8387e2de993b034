import * as z from 'zod';
import { SHAPE_NAMES } from './shapes.js';

const count = z.number().int().positive();

/** Options of every bench that runs a model. */
export const benchOptions = z.strictObject({
  shape: z.enum(SHAPE_NAMES).default('smollm2-135m').describe('model to make, with random weights'),
  layers: count.optional().describe('another number of layers than the shape has'),
  width: count.optional().describe('another model width: heads keep their size, their number and the MLP follow'),
  vocab: count.optional().describe('another size of the vocabulary'),
  dtype: z.enum(['bfloat16', 'float32']).default('bfloat16').describe('type of products and of frozen weights'),
  mode: z
    .enum(['captured', 'eager'])
    .default('captured')
    .describe('recorded and run as one graph, or op by op (float32 only)'),
  seed: z.number().int().min(0).default(0).describe('seed of weights and tokens'),
});

/** See {@link benchOptions}. */
export type BenchOptions = z.infer<typeof benchOptions>;

/** Options of `phasetune bench step`. */
export const stepBenchOptions = z.strictObject({
  ...benchOptions.shape,
  batch: count.default(4).describe('rows of a step'),
  seq: z.number().int().min(2).default(256).describe('tokens of each row; all but the first are trained'),
  rank: count.default(8).describe('rank of the adapter, which is on all projections'),
  steps: z.number().int().min(3).default(8).describe('steps; the first two are left out of the median'),
});

/** See {@link stepBenchOptions}. */
export type StepBenchOptions = z.infer<typeof stepBenchOptions>;

/** Options of `phasetune bench matmul`. */
export const matmulBenchOptions = z.strictObject({
  size: count.default(1024).describe('rows and columns of both factors'),
  dtype: benchOptions.shape.dtype,
  mode: benchOptions.shape.mode,
});

/** See {@link matmulBenchOptions}. */
export type MatmulBenchOptions = z.infer<typeof matmulBenchOptions>;
