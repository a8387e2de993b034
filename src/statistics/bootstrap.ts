import { random } from '../core/random.js';

/** A value with the interval that a share `level` of the resamples falls into. */
export interface Estimate {
  /** Null where it is not defined, one of the scores being the same everywhere, for instance. */
  readonly value: number | null;
  /** Null without a value, without resamples, and where the value was undefined in more than one of twenty resamples. */
  readonly interval: readonly [low: number, high: number] | null;
}

/** How intervals are made. */
export interface BootstrapOptions {
  readonly resamples: number;
  readonly level: number;
  readonly seed: number;
}

/** Share of resamples that may be without a value. */
const UNDEFINED = 0.05;

/**
 * Resamples of `n` rows drawn with replacement, each as how often every row was drawn: with rows put in order once, a resample costs no
 * sorting. The array is used again for the next one.
 *
 * @example
 * const [x, y] = [rank([1, 2, 3, 4]), rank([1, 3, 2, 4])];
 * for (const counts of resamples(4, { resamples: 3, level: 0.95, seed: 0 })) console.log(spearman(x, y, counts));
 */
export function* resamples(n: number, { resamples: times, seed }: BootstrapOptions): Generator<Int32Array> {
  const { integer } = random(seed, 'scoring', 'bootstrap');
  const counts = new Int32Array(n);
  for (let i = 0; i < times; i++) {
    counts.fill(0);
    for (let draw = 0; draw < n; draw++) counts[integer(n)]!++;
    yield counts;
  }
}

/**
 * The percentile interval (Efron 1979) of what a statistic came to in the resamples; `value` is that of the rows themselves.
 *
 * @example
 * const [x, y] = [rank([1, 2, 3, 4]), rank([1, 3, 2, 4])];
 * const found: (number | undefined)[] = [];
 * for (const counts of resamples(4, { resamples: 1000, level: 0.95, seed: 0 })) found.push(spearman(x, y, counts));
 * const { value, interval } = estimate(spearman(x, y), found, 0.95);
 */
export function estimate(value: number | undefined, found: readonly (number | undefined)[], level: number): Estimate {
  const defined = Float64Array.from(found.filter((one) => one !== undefined)).sort();
  const enough = found.length > 0 && defined.length >= (1 - UNDEFINED) * found.length;
  if (value === undefined || !enough) return { value: value ?? null, interval: null };
  const tail = (1 - level) / 2;
  return { value, interval: [quantile(defined, tail), quantile(defined, 1 - tail)] };
}

/**
 * A quantile of sorted numbers, linear between neighbours (Hyndman and Fan's type 7, NumPy's default).
 *
 * @example
 * console.log(quantile([1, 2, 4], 0.75)); // 3
 */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const [from, to] = [sorted[low]!, sorted[Math.min(low + 1, sorted.length - 1)]!];
  return from + (to - from) * (place - low);
}
