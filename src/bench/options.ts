import * as z from 'zod';
import { batchOptionsSchema } from '../data/options.js';
import { programOptions } from '../program/options.js';
import { SHAPE_NAMES } from './shapes.js';

const count = z.number().int().positive();

/** Options of every bench that runs a model. */
export const benchOptions = z.strictObject({
  shape: z.enum(SHAPE_NAMES).default('smollm2-135m').describe('model shape to use, with random weights'),
  layers: count.optional().describe('number of layers instead of that of the shape'),
  width: count
    .optional()
    .describe('model width instead of that of the shape: heads keep their size; their number and the MLP are scaled'),
  vocab: count.optional().describe('size of the vocabulary instead of that of the shape'),
  mode: programOptions.shape.mode,
  dtype: programOptions.shape.precision,
  loadIn16bit: programOptions.shape.loadIn16bit,
  loadIn8bit: programOptions.shape.loadIn8bit,
  loadIn4bit: programOptions.shape.loadIn4bit,
  compile: programOptions.shape.compile,
  seed: z.number().int().min(0).default(0).describe('seed of weights and tokens'),
});

const gradientCheckpointing = z
  .boolean()
  .default(false)
  .describe('recompute activations in the backward pass instead of keeping them');

const { attention } = programOptions.shape;

/** See {@link benchOptions}. */
export type BenchOptions = z.infer<typeof benchOptions>;

/** Options of the bench `step`. */
export const stepBenchOptions = z.strictObject({
  ...benchOptions.shape,
  batch: count.default(4).describe('rows of a step'),
  seq: z.number().int().min(2).default(256).describe('tokens of each row; all but the first are trained'),
  gradientCheckpointing,
  attention,
  rank: count.default(8).describe('rank of the adapter, which is on all projections'),
  steps: z.number().int().min(3).default(8).describe('steps; the first two are left out of the median'),
});

/** See {@link stepBenchOptions}. */
export type StepBenchOptions = z.infer<typeof stepBenchOptions>;

/** Options of the bench `build`. */
export const buildBenchOptions = z.strictObject({
  ...benchOptions.shape,
  batch: stepBenchOptions.shape.batch,
  seq: stepBenchOptions.shape.seq,
  attention,
});

/** See {@link buildBenchOptions}. */
export type BuildBenchOptions = z.infer<typeof buildBenchOptions>;

/** Options of the bench `train`. */
export const trainBenchOptions = z.strictObject({
  tokenizer: z.string().min(1).describe('model folder whose tokenizer is used; its weights are not'),
  data: z.string().min(1).describe('rows to train on, in any format that is imported'),
  rows: count.default(96).describe('number of rows; if the file has fewer, they repeat'),
  maxLength: z.number().int().min(2).default(512).describe('most tokens of a row; longer answers are cut'),
  ...benchOptions.shape,
  ...batchOptionsSchema.shape,
  gradientCheckpointing,
  attention,
  batchRows: count.default(8).describe('rows of a step, on average'),
});

/** See {@link trainBenchOptions}. */
export type TrainBenchOptions = z.infer<typeof trainBenchOptions>;

/** Options of the bench `decode`. */
export const decodeBenchOptions = z.strictObject({
  ...benchOptions.shape,
  rows: count.default(16).describe('answers decoded together'),
  prompt: count.default(64).describe('tokens of each prompt'),
  tokens: z.number().int().min(2).default(128).describe('new tokens of each answer; none ends earlier'),
  repeats: count.default(3).describe('timed repetitions, after one that is not timed'),
});

/** See {@link decodeBenchOptions}. */
export type DecodeBenchOptions = z.infer<typeof decodeBenchOptions>;

/** Options of the bench `matmul`. */
export const matmulBenchOptions = z.strictObject({
  size: count.default(1024).describe('rows and columns of both factors'),
  mode: benchOptions.shape.mode,
  dtype: benchOptions.shape.dtype,
  compile: benchOptions.shape.compile,
});

/** Options of the bench `read`. */
export const readBenchOptions = z.strictObject({
  mib: count.default(256).describe('MiB that are read; more than the caches hold'),
  mode: benchOptions.shape.mode,
});
