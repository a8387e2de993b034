import { describe, expect, it } from 'vitest';
import { formatBytes, formatCounted, formatDuration, formatNumber } from '../../src/telemetry/format.js';

describe('numbers for people', () => {
  it.each([
    [0, '0'],
    [0.0123, '0.012'],
    [0.5, '0.5'],
    [1.26, '1.3'],
    [9.99, '10'],
    [9.996, '10'],
    [12.34, '12.3'],
    [99.96, '100'],
    [1234.5, '1,235'],
    [-3.456, '-3.5'],
    [Number.NaN, '?'],
  ])('%d is %s', (value, text) => expect(formatNumber(value)).toBe(text));

  it.each([
    [0, '0 rows'],
    [1, '1 row'],
    [52_002, '52,002 rows'],
  ])('%d of a thing are %s', (count, text) => expect(formatCounted(count, 'row')).toBe(text));

  it.each([
    [0, '0.0 s'],
    [9.94, '9.9 s'],
    [9.96, '10 s'],
    [59.4, '59 s'],
    [59.6, '1 min 00 s'],
    [245, '4 min 05 s'],
    [3599.7, '1 h 00 min'],
    [7620, '2 h 07 min'],
    [86400, '24 h 00 min'],
    [Number.POSITIVE_INFINITY, '?'],
    [Number.NaN, '?'],
    [-1, '?'],
  ])('%d seconds are %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1024, '1 KiB'],
    [1_023_999, '0.98 MiB'],
    [97_100_000, '92.6 MiB'],
    [3 * 2 ** 40, '3 TiB'],
    [5000 * 2 ** 40, '5,000 TiB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});
