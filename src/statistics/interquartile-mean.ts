import { random } from '../core/random.js';
import { quantile } from './bootstrap.js';
import { mean } from './moments.js';

/**
 * Mean of the middle half of numbers: a quarter of them, rounded down, is left out at each end. NaN of none.
 *
 * @example
 * console.log(interquartileMean([1, 2, 3, 100])); // 2.5
 */
export function interquartileMean(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const cut = Math.floor(sorted.length / 4);
  return mean(sorted.subarray(cut, sorted.length - cut));
}

/** An interquartile mean over several tasks with its interval. */
export interface TaskMean {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The interquartile mean over the runs of several tasks together, with the percentile interval of a bootstrap that
 * draws runs again within each task (Agarwal et al. 2021, rliable). It is about other runs on these tasks; over few
 * runs it is too narrow. Throws a RangeError for a task without runs.
 *
 * @example
 * const { mean, low, high } = taskMean([[0.1, 0.2, 0.3], [0.2, 0.3, 0.4], [9, 0.1, 0.2]], { seed: 0 });
 * console.log(mean.toFixed(2), low <= mean, mean <= high); // 0.24 true true
 */
export function taskMean(
  tasks: readonly ArrayLike<number>[],
  {
    resamples = 10_000,
    level = 0.95,
    seed,
  }: { readonly resamples?: number; readonly level?: number; readonly seed: number },
): TaskMean {
  if (tasks.length === 0 || tasks.some(({ length }) => length === 0))
    throw new RangeError('expected at least one run of every task');
  const { integer } = random(seed, 'statistics', 'tasks');
  const all = tasks.flatMap((runs) => Array.from(runs));
  const drawn = new Float64Array(all.length);
  const found = Float64Array.from({ length: resamples }, () => {
    let i = 0;
    for (const runs of tasks) for (let draw = 0; draw < runs.length; draw++) drawn[i++] = runs[integer(runs.length)]!;
    return interquartileMean(drawn);
  }).sort();
  const tail = (1 - level) / 2;
  return { mean: interquartileMean(all), low: quantile(found, tail), high: quantile(found, 1 - tail) };
}
