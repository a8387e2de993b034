import type { OptimOptions } from './options.js';

/**
 * Steps of warm-up out of `steps`: a share is rounded up, as transformers does.
 *
 * @example
 * console.log(warmupSteps(0.1, 200)); // 20
 */
export const warmupSteps = (warmup: number, steps: number): number =>
  warmup < 1 ? Math.ceil(steps * warmup) : Math.trunc(warmup);

/**
 * Learning rate at optimizer step `step` (from 1) of `steps`. As transformers' schedules with warm-up (cosine over half a
 * period, linear, constant): the first step of a warm-up has learning rate 0, and steps past the end keep the end's.
 *
 * @example
 * const options = optimOptions.parse({ learningRate: 1e-4, schedule: 'cosine' });
 * const rates = Array.from({ length: 100 }, (_, i) => learningRateAt(options, i + 1, 100));
 */
export function learningRateAt(
  options: Pick<OptimOptions, 'learningRate' | 'schedule' | 'warmup' | 'minLrRatio'>,
  step: number,
  steps: number,
): number {
  const done = step - 1;
  const rising = warmupSteps(options.warmup, steps);
  if (done < rising) return (options.learningRate * done) / rising;
  const progress = Math.min(1, (done - rising) / Math.max(1, steps - rising));
  const floor = options.minLrRatio;
  switch (options.schedule) {
    case 'cosine':
      return options.learningRate * (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress)));
    case 'linear':
      return options.learningRate * (floor + (1 - floor) * (1 - progress));
    case 'constant':
      return options.learningRate;
  }
}
