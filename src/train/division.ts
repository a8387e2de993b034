import { usageError } from '../core/errors.js';
import type { TrainOptions } from './options.js';
import type { RunPlan } from './run-plan.js';

/** How the steps of a run are divided among several devices. */
export interface Division {
  /** See the option `devices`. */
  readonly devices: readonly number[];
  /** Micro-batches of the largest step. */
  readonly microBatches: number;
  /** Those of it that a device computes at most. */
  readonly each: number;
  /** Part of all devices' time in which they compute, if every micro-batch takes the same time: 1 is best. */
  readonly busy: number;
}

/**
 * The least number of micro-batches a batch, from what is given on, with which those of a step are a multiple of
 * the devices.
 */
export function dividedMicroBatches({
  devices = [],
  microBatches,
  accumulate,
}: Pick<TrainOptions, 'devices' | 'microBatches' | 'accumulate'>): number {
  let parts = microBatches;
  while (devices.length > 1 && (parts * accumulate) % devices.length !== 0) parts++;
  return parts;
}

/**
 * How a plan's steps are divided; undefined for one device. Throws a usage error where no step has more than one
 * micro-batch.
 */
export function divisionOf(
  plan: { readonly stages: readonly { readonly batches: Pick<RunPlan['stages'][number]['batches'], 'steps'> }[] },
  devices: readonly number[] = [],
): Division | undefined {
  const ranks = devices.length;
  if (ranks < 2) return undefined;
  const counts = plan.stages.flatMap(({ batches }) => batches.steps.map(({ microBatches }) => microBatches.length));
  const most = counts.reduce((x, y) => Math.max(x, y), 0);
  if (most < 2)
    throw usageError('`devices`: every step is a single micro-batch, which cannot be divided among several devices', {
      option: 'devices',
      expected: ranks,
      actual: most,
      remedies: [
        { option: 'batchRows', change: 'raise' },
        { option: 'accumulate', change: 'raise' },
        { option: 'packLength', change: 'lower', note: 'so that a batch has several lines' },
        { option: 'devices', change: 'set', note: 'to one' },
      ],
    });
  const rounds = counts.reduce((n, count) => n + Math.ceil(count / ranks), 0);
  const computed = counts.reduce((n, count) => n + count, 0);
  return { devices, microBatches: most, each: Math.ceil(most / ranks), busy: computed / (rounds * ranks) };
}
