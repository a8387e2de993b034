import { formatCounted } from '../../telemetry/format.js';
import type { Metric } from '../study-file.js';
import type { Results } from './results.js';
import type { Unit } from './units.js';

/** What is measured, in words: `held-out loss of band 2`. */
export const metricName = (metric: Metric): string =>
  'win-rate' in metric
    ? 'win rate'
    : metric['held-out'] === 'all'
      ? 'held-out loss'
      : `held-out loss of band ${metric['held-out'].slice('band-'.length)}`;

/** A unit after a number: `nats per token`, `points`. */
export const shownUnit = (unit: Results['metric']['unit']): string => (unit === 'nats' ? 'nats per token' : 'points');

/** `6 seeds`. */
export const shownUnits = (count: number, unit: Unit): string => formatCounted(count, unit);

/** Digits after the point where no interval says how many make sense. */
const DIGITS = { nats: 4, points: 1 } as const;

/**
 * Digits after the point that show two significant figures of half an interval's width: what is further behind is
 * noise.
 */
export function digitsFor(low: number | null, high: number | null, unit: Results['metric']['unit']): number {
  if (low === null || high === null || !(high > low)) return DIGITS[unit];
  return Math.max(0, Math.min(8, 1 - Math.floor(Math.log10((high - low) / 2))));
}

/** A number with so many digits, never `-0.00`. */
export function shown(value: number | null, digits: number): string {
  if (value === null) return '-';
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace('-', '') : text;
}
