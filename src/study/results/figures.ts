import { formatCounted } from '../../telemetry/format.js';
import type { Metric } from '../study-file.js';
import type { Results } from './results.js';
import type { Unit } from './units.js';

/** A metric as it is registered: `held-out all`, `held-out band-2`, `win-rate`. */
export const metricKey = (metric: Metric): string =>
  'win-rate' in metric ? 'win-rate' : `held-out ${metric['held-out']}`;

/** A {@link metricKey} in words: `held-out loss of band 2`. */
export function metricName(key: string): string {
  const band = /^held-out band-(\d)$/.exec(key)?.[1];
  if (band !== undefined) return `held-out loss of band ${band}`;
  return key === 'win-rate' ? 'win rate' : 'held-out loss';
}

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
