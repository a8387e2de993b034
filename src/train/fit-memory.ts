import { usageError } from '../core/errors.js';
import { fewerBits, type HeldWeights } from '../core/out-of-memory.js';
import { formatBytes } from '../telemetry/format.js';
import type { MemoryForecast } from './memory-forecast.js';
import type { TrainOptions } from './options.js';

/** What decides how much memory a run takes and nothing of what it learns. */
export type MemoryOptions = Required<Pick<TrainOptions, 'microBatches' | 'evalRows' | 'gradientCheckpointing'>>;

/** A way to run, and what it takes. */
export interface Attempt {
  readonly options: MemoryOptions;
  readonly forecast: MemoryForecast;
}

/**
 * Ways to run, the fastest first: batches whole, in two parts, in four and so on down to a line each, held-out
 * rows likewise; then the same with gradient checkpointing, unless `given` decides about that. `lines` is how
 * many the largest batch has.
 */
export function memoryChoices(
  given: Pick<TrainOptions, 'microBatches' | 'evalRows' | 'gradientCheckpointing'>,
  lines: number,
): MemoryOptions[] {
  const parts: number[] = [];
  for (let n = given.microBatches; n < lines; n *= 2) parts.push(n);
  parts.push(Math.max(given.microBatches, lines));
  const { gradientCheckpointing } = given;
  return (gradientCheckpointing === undefined ? [false, true] : [gradientCheckpointing]).flatMap((checkpointing) =>
    parts.map((microBatches) => ({
      microBatches,
      evalRows: Math.ceil((given.evalRows * given.microBatches) / microBatches),
      gradientCheckpointing: checkpointing,
    })),
  );
}

/**
 * The first of the choices that fits into `limit` bytes, and those before it that do not. Throws a usage error
 * that says what is needed at least when none does; `weights` says how they are held already.
 */
export function firstThatFits(
  choices: readonly MemoryOptions[],
  limit: number,
  forecast: (options: MemoryOptions) => MemoryForecast,
  weights: HeldWeights = {},
): { readonly chosen: Attempt; readonly tooLarge: readonly Attempt[] } {
  const tooLarge: Attempt[] = [];
  for (const options of choices) {
    const attempt = { options, forecast: forecast(options) };
    if (attempt.forecast.peak <= limit) return { chosen: attempt, tooLarge };
    tooLarge.push(attempt);
  }
  const least = tooLarge.reduce((x, y) => (y.forecast.peak < x.forecast.peak ? y : x));
  throw usageError(
    `\`memoryLimit\`: the run needs ${formatBytes(least.forecast.peak)} at least (${describeChoice(least.options)}), the limit is ${formatBytes(limit)}`,
    {
      option: 'memoryLimit',
      expected: least.forecast.peak,
      actual: limit,
      remedies: [
        { option: 'memoryLimit', change: 'raise' },
        { option: 'maxLength', change: 'lower', note: 'to shorten rows' },
        ...fewerBits(weights),
      ],
    },
  );
}

/** A choice in words. */
export const describeChoice = ({ microBatches, gradientCheckpointing }: MemoryOptions): string =>
  `batches ${microBatches === 1 ? 'whole' : `in ${microBatches} parts`}, ${gradientCheckpointing ? 'with' : 'without'} gradient checkpointing`;
