import * as z from 'zod';
import { stagingOptionsSchema } from '../curriculum/staging-options.js';
import { slurmSchema } from './executors/slurm/options.js';
import { kubernetesSchema } from './render/kubernetes-options.js';

/** A name of an arm or of a value of an axis: part of the names of folders. */
export const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'expected 1 to 40 of a-z, 0-9 and -, starting with a letter or a digit');

const { holdout: _, nearDuplicates, seed: __, unscored, ties, ...cutting } = stagingOptionsSchema.shape;

/** How scored rows are cut into stages; the hold-out is the study's own. What is left out is as without the change. */
const cuttingSchema = z.strictObject({ ...cutting, ties: ties.removeDefault().optional() });

/**
 * What an arm, or a value of an axis, changes: options of the recipe by name (`order`, `lora`, `epochs`), and `stage`
 * and `scored` for another cut or other scores of the same rows.
 */
const overridesSchema = z.looseObject({
  stage: cuttingSchema.optional().describe('another cut into stages: {stages: 2}'),
  scored: z.string().min(1).optional().describe('file with other scores of the same rows'),
});

/** See {@link overridesSchema}. */
export type Overrides = z.infer<typeof overridesSchema>;

const dataSchema = z.strictObject({
  scored: z.string().min(1).optional().describe('scored rows: a record file, or any format that `data import` reads'),
  staged: z
    .string()
    .min(1)
    .optional()
    .describe('staged folder that all arms train on, with its hold-out; instead of `scored`'),
  stage: cuttingSchema.default({}).describe('how the rows are cut into stages, unless an arm changes it'),
  holdout: z
    .number()
    .positive()
    .default(300)
    .describe(
      'hold-out, drawn once for all arms before any cut, over all scores: below 1 a share of the rows, otherwise a number',
    ),
  splits: z.number().int().min(1).default(1).describe('how many hold-outs are drawn; every arm is trained on each'),
  nearDuplicates,
  unscored,
});

const heldOut = z.union([z.literal('all'), z.string().regex(/^band-[1-6]$/, 'expected all, or band-1 to band-6')]);
const margin = z
  .number()
  .positive()
  .optional()
  .describe('largest difference that does not matter, nats per token or points; without it nothing is called the same');

/** What is compared: the held-out loss, or win rates of an evaluation, whose options these are. */
const metricSchema = z.union([
  z.strictObject({ 'held-out': heldOut.default('all'), margin }),
  z.strictObject({
    'win-rate': z.looseObject({ sets: z.array(z.string().min(1)).min(1), judge: z.string().optional() }),
    margin,
  }),
]);

/** See {@link metricSchema}. */
export type Metric = z.infer<typeof metricSchema>;

/** Kinds of executors. */
const EXECUTORS = ['local', 'command', 'slurm', 'kubernetes'] as const;

/** Where cells run. */
export const executorSchema = z.strictObject({
  kind: z
    .enum(EXECUTORS)
    .default('local')
    .describe(
      '`local`: processes on this machine; `command`: a command per cell; `slurm`: jobs of Slurm; `kubernetes`: pods of a Job',
    ),
  parallel: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      'cells that run at once [local: as many as cores and memory have room for, one on a card; command: 1; slurm: all]',
    ),
  threads: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      'threads of each cell on the processor, the same for the whole study: they change the last bits [all cores divided by `parallel`; slurm, kubernetes: `cpus`, otherwise 1]',
    ),
  command: z
    .string()
    .min(1)
    .optional()
    .describe('for `command`: what runs one cell, with {study} for its folder and {index} for the cell'),
  slurm: slurmSchema.optional().describe('for `slurm`: what each job asks for'),
  kubernetes: kubernetesSchema.optional().describe('for `kubernetes`: the pods of the Job that `render` writes'),
});

/** See {@link executorSchema}. */
export type ExecutorOptions = z.infer<typeof executorSchema>;

/**
 * A study: arms that are compared with a control over the same seeds, hold-out and trained tokens.
 *
 * @example
 * const { seeds, control } = studyFileSchema.parse({
 *   base: { model: 'models/tiny-llama', epochs: 1 },
 *   data: { scored: 'scored.jsonl' },
 *   arms: { 'one-off': { order: 'one-off' }, phased: { order: 'phased' } },
 *   control: 'one-off',
 *   seeds: 6,
 * });
 */
export const studyFileSchema = z.strictObject({
  base: z
    .union([z.string().min(1), z.record(z.string(), z.unknown())])
    .describe(
      'the recipe that arms change: a file, or its options; its `out` is not used, nor is its `data` beside `data`',
    ),
  data: dataSchema.optional().describe('the rows [the staged folder that the recipe names]'),
  arms: z
    .record(nameSchema, overridesSchema)
    .refine((arms) => Object.keys(arms).length >= 2, 'expected at least two arms')
    .describe('ways of training that are compared, by name, and what each changes: {phased: {order: phased}}'),
  axes: z
    .record(z.string().min(1), z.union([z.array(z.unknown()).min(1), z.record(nameSchema, z.unknown())]))
    .default({})
    .describe(
      'every arm is trained under each combination, with its own control: an option of the recipe, `scored`, `stage.stages`, or `dataset` for other rows; a list, or values by name',
    ),
  expand: z
    .record(nameSchema, z.strictObject({ stages: z.array(z.number().int().min(2).max(6)).min(1) }))
    .default({})
    .describe('writes arms: {phased: {stages: [2, 4]}} adds phased-2 and phased-4, that arm cut into as many stages'),
  seeds: z
    .union([z.number().int().min(1), z.array(z.number().int().min(0)).min(1)])
    .default(6)
    .describe('seeds of every arm: a number for 1 to that number, or a list'),
  control: nameSchema.describe('the arm that the others are compared with'),
  compare: z
    .array(nameSchema)
    .min(1)
    .optional()
    .describe("arms of the family of Holm's adjustment [all except the control]"),
  metric: metricSchema.default({ 'held-out': 'all' }).describe('what is compared'),
  alpha: z.number().gt(0).lt(0.5).default(0.05).describe('chance of a false finding over all comparisons'),
  budget: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('trained tokens of every cell [what the control plans with the length of the recipe]'),
  failures: z
    .strictObject({
      retries: z
        .number()
        .int()
        .min(0)
        .default(2)
        .describe('tries again after an interruption that is not the fault of the cell'),
      retryAfter: z.array(z.number().min(0)).min(1).default([30, 120]).describe('seconds before each of them'),
      stopAfterAlike: z
        .number()
        .int()
        .min(1)
        .default(3)
        .describe('stop when so many cells in a row fail in the same way'),
    })
    .prefault({}),
  executor: executorSchema.prefault({}),
});

/** See {@link studyFileSchema}; all defaults filled in. */
export type StudyFile = z.infer<typeof studyFileSchema>;

/** Seeds of a decided study. */
export const seedsOf = ({ seeds }: Pick<StudyFile, 'seeds'>): readonly number[] =>
  typeof seeds === 'number' ? Array.from({ length: seeds }, (_, i) => i + 1) : seeds;

/** Combinations of the values of a study's axes: each has its own control. */
export const groupCount = ({ axes }: Pick<StudyFile, 'axes'>): number =>
  Object.values(axes).reduce((n, values) => n * Object.keys(values).length, 1);

/** How many cells a study has. */
export const cellCount = ({ arms, axes, seeds, data }: StudyFile): number =>
  groupCount({ axes }) * Object.keys(arms).length * seedsOf({ seeds }).length * (data?.splits ?? 1);
