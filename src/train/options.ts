import * as z from 'zod';
import { usageError } from '../core/errors.js';
import { planOptionsSchema } from '../curriculum/options.js';
import { batchOptionsSchema } from '../data/options.js';
import { programOptions } from '../program/options.js';

const start = z
  .enum(['previous-end', 'previous-best', 'base'])
  .describe('Weights a stage starts from: the end or the best checkpoint of the stage before, or the base model');
const schedule = z
  .enum(['fresh', 'continued'])
  .describe('Learning rate: warm-up and decay restart in every stage, or one schedule continues from stage to stage');
const optimizer = z
  .enum(['fresh', 'carried'])
  .describe(
    "AdamW's moments and step count: zeroed in every stage, or carried over from the checkpoint that the stage starts from",
  );
const adapter = z
  .enum(['continued', 'merged'])
  .describe('Adapter: trained further, or merged into the base in memory and a new one started');
const epochs = z.number().positive().optional();
const steps = z.number().int().positive().optional().describe('Length of each stage in optimizer steps');
const tokens = z.number().int().positive().optional().describe('Length of each stage in trained tokens');

const SIZE = /^(\d+(?:\.\d+)?) ?([KMGT])(i?)B$/;

const stageOverrides = z.strictObject({
  start: start.optional(),
  schedule: schedule.optional(),
  optimizer: optimizer.optional(),
  adapter: adapter.optional(),
  replay: z.number().min(0).optional(),
  epochs,
  steps,
  tokens,
});

/**
 * Options of a run: the order of the stages, batches, and what every stage does unless `stages` says otherwise. The
 * defaults are those of Phased IFT (arXiv 2406.04371).
 *
 * @example
 * const { order, epochs } = trainOptions.parse({ order: 'one-off' });
 */
export const trainOptions = z.strictObject({
  ...planOptionsSchema.shape,
  seed: z.number().int().min(0).default(0).describe('Seed of the adapter, of the order of rows and of dropout'),
  start: start.default('previous-end'),
  schedule: schedule.default('fresh'),
  optimizer: optimizer.default('fresh'),
  adapter: adapter.default('continued'),
  epochs: epochs.describe('Length of each stage in passes over its rows [3 where no length is given]'),
  steps,
  tokens,
  budget: z
    .number()
    .int()
    .positive()
    .optional()
    .describe(
      'Trained tokens of the whole run, shared among the stages by their size: the same for every order, to within a step',
    ),
  stages: z
    .array(stageOverrides)
    .default([])
    .describe('What single stages do differently, by position: [{}, {"epochs": 1, "replay": 0.2}]'),
  ...batchOptionsSchema.shape,
  evalRows: z.number().int().positive().default(8).describe('Rows per batch when the held-out loss is measured'),
  evalEvery: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('Steps between measurements of the held-out loss within a stage; 0: at its end only'),
  saveEvery: z
    .number()
    .int()
    .min(0)
    .default(100)
    .describe('Steps between two checkpoints to resume from; 0: only where a stage begins, ends, or is measured'),
  keepLast: z
    .number()
    .int()
    .min(1)
    .default(2)
    .describe('Newest checkpoints to keep during the run, besides the best and the last of every stage'),
  onSpike: z
    .enum(['stop', 'skip', 'rollback'])
    .default('stop')
    .describe(
      'A step whose loss is not finite or jumps is never applied; then: stop the run, skip the step and continue, or go back to the last checkpoint and skip all steps from there to this one',
    ),
  gradientCheckpointing: z
    .boolean()
    .optional()
    .describe(
      'Keep only the input of each layer for the gradient and run the layer again for it: less memory, about a third more time [off; with `memoryLimit` where it is needed]',
    ),
  memoryLimit: z
    .string()
    .regex(SIZE, 'expected a size such as 8GiB')
    .optional()
    .describe(
      'Most memory that the run may take, such as 8GiB, of the process or of the card: `microBatches` and `gradientCheckpointing` are chosen for it',
    ),
  devices: z
    .array(z.number().int().min(0))
    .min(1)
    .refine((devices) => new Set(devices).size === devices.length, 'expected each device once')
    .optional()
    .describe(
      'Cards to train on together, a process each, by their numbers in nvidia-smi: 0,1; on the processor only how many counts. The micro-batches of a step are dealt out, so `microBatches` is raised to a multiple where it is not; what is learned stays the same [the first card]',
    ),
  logEvery: z.number().int().positive().default(1).describe('Steps between two reports of loss and speed'),
  ...programOptions.shape,
});

/** See {@link trainOptions}. */
export type TrainOptions = z.infer<typeof trainOptions>;

/** Bytes of a size such as `8GiB` (powers of 1024) or `8GB` (powers of 1000). */
export function sizeInBytes(size: string): number {
  const [, amount, unit, binary] = SIZE.exec(size) as unknown as readonly [string, string, string, string];
  return Number(amount) * (binary ? 1024 : 1000) ** ('KMGT'.indexOf(unit) + 1);
}

const LENGTH_UNITS = ['epochs', 'steps', 'tokens'] as const;
type LengthUnit = (typeof LENGTH_UNITS)[number];
type Lengths = { readonly [unit in LengthUnit]?: number | undefined };

/** The options of one stage, every one decided. */
export interface TrainingStageOptions {
  readonly start: 'previous-end' | 'previous-best' | 'base';
  readonly schedule: 'fresh' | 'continued';
  readonly optimizer: 'fresh' | 'carried';
  readonly adapter: 'continued' | 'merged';
  /** Left open where the run's budget decides. `tokens` counts trained ones. */
  readonly length?: { readonly unit: LengthUnit; readonly amount: number } | undefined;
}

/**
 * The options of each of `count` stages: the run's, overridden by position. Throws a usage error for more
 * overrides than stages, more than one length, a length beside a budget, and an optimizer carried over to a
 * new adapter.
 */
export function stageOptionsFor(options: TrainOptions, count: number): TrainingStageOptions[] {
  const { stages, budget, order } = options;
  checkCount('stages', stages.length, count, `\`order: ${order}\``);
  const standard = lengthOf(options, '');
  refuseBoth(standard, budget, '');
  return Array.from({ length: count }, (_, i) => {
    const overrides = stages[i] ?? {};
    const length = lengthOf(overrides, `stages.${i}.`);
    refuseBoth(length, budget, `stages.${i}.`);
    const start = overrides.start ?? options.start;
    const schedule = overrides.schedule ?? options.schedule;
    const optimizer = overrides.optimizer ?? options.optimizer;
    const adapter = overrides.adapter ?? options.adapter;
    const fresh = start === 'base' ? '`start: base`' : adapter === 'merged' ? '`adapter: merged`' : undefined;
    if (i > 0 && optimizer === 'carried' && fresh)
      throw usageError(
        `stage ${i + 1}: \`optimizer: carried\` does not go with ${fresh}: the moments belong to an adapter that is not continued`,
        { option: 'optimizer', stage: i + 1, remedies: [{ option: 'optimizer', change: 'set', value: 'fresh' }] },
      );
    const open = budget === undefined ? ({ unit: 'epochs', amount: 3 } as const) : undefined;
    return { start, schedule, optimizer, adapter, length: length ?? standard ?? open };
  });
}

/**
 * The share of replayed rows of each of `bands` stages of a set, the run's overridden by position; the one
 * stage of `one-off` overrides all. Throws a usage error for more shares than stages.
 */
export function replaySharesFor({ stages, replay, order }: TrainOptions, bands: number): number[] {
  if (Array.isArray(replay)) checkCount('replay', replay.length, bands, 'the set');
  return Array.from({ length: bands }, (_, i) => {
    const override = stages[order === 'one-off' ? 0 : i]?.replay;
    return override ?? (Array.isArray(replay) ? (replay[i] ?? 0) : replay);
  });
}

function checkCount(option: string, actual: number, expected: number, of: string): void {
  if (actual > expected)
    throw usageError(
      `\`${option}\`: expected at most ${expected} ${expected === 1 ? 'entry, the one stage' : 'entries, one for each stage'} of ${of}, got ${actual}`,
      { option, expected, actual },
    );
}

function refuseBoth(length: TrainingStageOptions['length'], budget: number | undefined, path: string): void {
  if (length && budget !== undefined)
    throw usageError(`\`budget\` and ${wordLengths([length.unit], path)} are both given; expected one of them`, {
      option: 'budget',
    });
}

/** Lengths by the option that gives them; an entry of `stages` is named by its place. */
const wordLengths = (units: readonly LengthUnit[], path: string): string =>
  path === ''
    ? units.map((unit) => `\`${unit}\``).join(' and ')
    : `${units.join(' and ')} in entry ${Number(path.split('.')[1]) + 1} of \`stages\``;

function lengthOf(values: Lengths, path: string): TrainingStageOptions['length'] {
  const given = LENGTH_UNITS.filter((unit) => values[unit] !== undefined);
  if (given.length > 1)
    throw usageError(`${wordLengths(given, path)} are both given; expected one length`, {
      option: `${path}${given[0]}`,
    });
  return given[0] && { unit: given[0], amount: values[given[0]]! };
}
